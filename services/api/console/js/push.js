// The push socket: subscriptions that survive a lost connection, and a jump of `seq` that asks for the picture anew.

const SILENT_MS = 4_000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 10_000;

// Prices keep the exchange's own digits: a JSON number would lose its trailing zeros on the way through a float.
const DIGITS =
  /("(?:buy_price|sell_price|price|bid|ask|last|mark|index|bid_size|ask_size|size|price_long|price_short)":)(-?\d[\d.eE+-]*)/g;

export function decode(text) {
  return JSON.parse(text.replace(DIGITS, '$1"$2"'));
}

class Subscription {
  constructor(push, id, channel, params, handler) {
    Object.assign(this, { push, id, channel, params, handler, seq: null });
  }

  ask() {
    this.seq = null;
    this.push.send({ op: "subscribe", id: this.id, channel: this.channel, params: this.params });
  }

  take(message) {
    if (message.type === "snapshot") {
      this.seq = message.seq;
      this.handler.snapshot(message.rows);
    } else if (message.type === "delta") {
      if (this.seq == null) return;
      if (message.seq !== this.seq + 1) {
        this.push.jumps += 1;
        this.ask();
        return;
      }
      this.seq = message.seq;
      this.handler.delta(message.changed, message.removed);
    } else if (message.type === "error") {
      this.handler.error?.(message);
    }
  }

  close() {
    this.push.drop(this);
  }
}

/** One socket. `onState` hears {up, mode, feed, reason, waitUntil} whenever one of them changes. */
export class Push {
  constructor(url, onState) {
    Object.assign(this, { url, onState, socket: null, nextId: 1, tries: 0, jumps: 0, silent: 0 });
    this.subscriptions = new Map();
    this.state = { up: false, everUp: false, mode: null, feed: null, version: null, retryAt: null };
    this.offsets = [];
    this.lastHeard = 0;
    setInterval(() => this.watch(), 1_000);
    addEventListener("online", () => this.state.up || this.connect());
    this.connect();
  }

  /** The server's clock less ours, in ms: the largest seen of late is the one with the least delay. */
  get offset() {
    return this.offsets.length ? Math.max(...this.offsets) : 0;
  }

  now() {
    return Date.now() + this.offset;
  }

  subscribe(channel, params, handler) {
    const one = new Subscription(this, this.nextId, channel, params, handler);
    this.nextId += 1;
    this.subscriptions.set(one.id, one);
    if (this.state.up) one.ask();
    return one;
  }

  drop(one) {
    if (this.subscriptions.delete(one.id) && this.state.up) this.send({ op: "unsubscribe", id: one.id });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  connect() {
    clearTimeout(this.timer);
    this.let_go();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.lastHeard = performance.now();
    socket.onmessage = (event) => this.socket === socket && this.hear(event.data);
    socket.onclose = () => this.socket === socket && this.lost();
  }

  let_go() {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  hear(text) {
    this.lastHeard = performance.now();
    const message = decode(text);
    if (message.server_time_ms) this.tell(message);
    if (message.type === "hello") {
      this.tries = 0;
      this.change({ up: true, everUp: true, mode: message.mode, version: message.version, retryAt: null });
      for (const one of this.subscriptions.values()) one.ask();
    } else if (message.id != null) {
      this.subscriptions.get(message.id)?.take(message);
    }
  }

  tell(message) {
    this.offsets.push(message.server_time_ms - Date.now());
    if (this.offsets.length > 30) this.offsets.shift();
    if (message.state !== this.state.feed) this.change({ feed: message.state });
  }

  /** A socket that says nothing, not even its heartbeat, is dead whatever the browser thinks. */
  watch() {
    if (this.socket && performance.now() - this.lastHeard > SILENT_MS) {
      this.let_go();
      this.lost();
    }
  }

  lost() {
    this.let_go();
    this.offsets = [];
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries) * (0.75 + Math.random() / 2);
    this.tries += 1;
    this.change({ up: false, retryAt: Date.now() + wait });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  change(found) {
    Object.assign(this.state, found);
    this.onState(this.state);
  }
}
