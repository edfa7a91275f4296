// The page: one socket, one state, three places. Draws about eight times a second, and only what has changed.

import * as f from "./format.js";
import { $, h, replace, text } from "./dom.js";
import { deploymentLanguage, onLanguage, t } from "./i18n.js";
import { Header } from "./header.js";
import { HealthView } from "./health.js";
import { bindKeys } from "./keys.js";
import { Push } from "./push.js";
import { openHelp, openSettings } from "./settings.js";
import { SignalsView } from "./signals.js";
import { SpreadsView } from "./spreads.js";
import { Board, Health, Signals } from "./store.js";
import { read, write } from "./url.js";
import { kept } from "./prefs.js";

const DRAW_MS = 125;
const VENUES_MS = 15_000;

class Page {
  constructor() {
    this.view = read();
    this.board = new Board();
    this.signals = new Signals();
    this.health = new Health();
    this.config = null;
    this.paused = false;
    this.toast = (message) => this.say(message);
    this.now = () => this.clock();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.push = new Push(`${scheme}//${location.host}/push`, () => this.onSocket());
    this.following = [this.board.follow(this.push, this.view), this.signals.follow(this.push), this.health.follow(this.push)];
    this.board.onRefused = (message) => this.refused(message);
    this.header = new Header(this, $("#header"), $("#tabs"));
    this.spreads = new SpreadsView(this);
    this.signalsView = new SignalsView(this.view, () => this.refresh(), (asset) => this.open(asset));
    this.healthView = new HealthView(this);
    this.go(this.view.place, false);
    bindKeys(this);
    onLanguage(() => this.refresh());
    addEventListener("popstate", () => this.onPop());
    document.addEventListener("visibilitychange", () => document.hidden || this.draw(true));
    setInterval(() => document.hidden || requestAnimationFrame(() => this.draw()), DRAW_MS);
    setInterval(() => document.hidden || this.learn(), VENUES_MS);
    this.learn();
    this.greet();
    this.loadConfig();
  }

  /** The server's clock; a replay lives in its recording's time. */
  clock() {
    if (this.paused) return this.pausedAt;
    if (this.push?.state.mode === "replay" && this.board.newestMs) return this.board.newestMs;
    if (this.push && !this.push.state.up && this.lastUp) return this.lastUp;
    return this.push ? this.push.now() : Date.now();
  }

  get views() {
    return { spreads: this.spreads, signals: this.signalsView, health: this.healthView };
  }

  go(place, step = true, part = "") {
    this.view.place = place;
    if (step) this.view.part = part;
    if (step) write(this.view, true);
    replace($("#main"), this.views[place].el);
    document.body.dataset.place = place;
    this.refresh();
  }

  /** The rules of the alerts, a part of the health page. */
  rules() {
    this.go("health", true, "rules");
  }

  open(asset) {
    this.view.coin = asset;
    this.view.q = "";
    this.go("spreads");
    this.spreads.changed();
  }

  /** The address asks for an exchange that is none: everything is shown, and said why. */
  refused(message) {
    if (!message.field?.startsWith("params.filter")) return;
    Object.assign(this.view, { kind: "", venues: null });
    this.say(t("filter.refused", { value: message.value }));
    this.spreads.changed();
  }

  onPop() {
    Object.assign(this.view, read());
    this.go(this.view.place, false);
    this.spreads.changed();
  }

  saved() {
    write(this.view);
  }

  /** Everything anew: another language, another place. */
  refresh() {
    document.title = `${t(this.view.place)} · Parallax`;
    write(this.view);
    this.spreads.controls.draw();
    this.draw(true);
  }

  onSocket() {
    if (!this.header) return;
    const { up } = this.push.state;
    if (!up && this.wasUp) this.lastUp = this.lastHeard;
    this.wasUp = up;
    this.draw(true);
  }

  draw(force = false) {
    const { view, push } = this;
    if (push.state.up && !this.paused) this.lastHeard = push.now();
    this.stripe();
    this.banner();
    this.header.draw();
    if (view.place === "spreads") this.spreads.draw(force);
    else if (view.place === "signals") this.signalsView.draw(this.signals, this.clock(), force);
    else this.healthView.draw(this.health, this.clock(), force);
  }

  stripe() {
    const { mode } = this.push.state;
    const stripe = $("#stripe");
    stripe.hidden = !mode || mode === "live";
    if (!stripe.hidden) text(stripe, t(`stripe.${mode}`));
  }

  /** A frozen screen never looks alive: it says since when, and its numbers lose contrast. */
  banner() {
    const { state } = this.push;
    const said = this.bannerText(state);
    document.body.classList.toggle("frozen", !!said);
    const banner = $("#banner");
    banner.hidden = !said;
    if (said) text(banner, said);
  }

  bannerText(state) {
    const utc = kept().utc !== false;
    const at = (ms) => (ms ? `${f.clock(ms, utc)}${utc ? " UTC" : ""}` : "…");
    if (this.paused) return t("banner.paused", { at: at(this.pausedAt), n: f.count(this.board.changes - this.pausedChanges) });
    if (!state.up && state.everUp) {
      const wait = Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000));
      return t("banner.lost", { at: at(this.lastUp), wait });
    }
    if (!state.up && this.push.tries > 1) return t("banner.never");
    if (state.feed === "stale") return t("banner.stale", { at: at(this.board.newestMs) });
    return "";
  }

  /** Hold the picture still. Changes are counted and shown at once on the way out. */
  pause() {
    this.pausedAt = this.clock();
    this.paused = !this.paused;
    this.pausedChanges = this.board.changes;
    if (this.paused) this.board.entries = new Map(this.board.entries);
    const [board] = this.following;
    board.handler = this.paused ? new Counter(this.board) : this.board;
    if (!this.paused) board.ask();
    this.refresh();
  }

  async get(path) {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  /** Slow facts that are not pushed. A failure shows itself by the socket's banner. */
  async learn() {
    const found = await this.get("/api/venues").catch(() => null);
    if (found) this.health.learn(found.venues);
  }

  async greet() {
    const found = await this.get("/api/version").catch(() => null);
    if (found) deploymentLanguage(found.ui_lang);
    this.about = found;
  }

  async loadConfig() {
    this.config = await this.get("/api/config").catch(() => this.config);
    this.spreads.controls.draw();
  }

  feesLabel() {
    const set = Object.keys(this.config?.settings?.fees?.value ?? {}).length;
    return set ? t("fees.own", { n: set }) : "VIP0";
  }

  openSettings(part) {
    openSettings(this, part);
  }

  openHelp() {
    openHelp();
  }

  say(message) {
    const toast = h("div", { class: "toast", role: "status", text: message });
    document.body.append(toast);
    setTimeout(() => toast.remove(), 2_500);
  }
}

/** Stands in for the board while the picture is held: counts, shows nothing. */
class Counter {
  constructor(board) {
    this.board = board;
  }

  snapshot() {}

  delta(rows) {
    this.board.changes += rows.length;
  }
}

window.parallax = new Page();
