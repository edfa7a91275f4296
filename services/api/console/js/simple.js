// The plain page: asks every three seconds, no sockets, no modules; written for browsers of ten years ago.
(function () {
  "use strict";
  var EVERY = 3000;
  var WORDS = {
    en: {
      head: ["Coin", "Buy", "Sell", "Net in+out bps", "Gross", "Fits $"], spot: "spot", full: "console", other: "中文",
      some: "{n} of {total} pays after fees · closest below", none: "none of {total} pays after fees now · closest below",
      asof: "as of {at} UTC", lost: "no answer; as of {at} UTC, trying again", warming: "warming up: no prices have come yet",
      stale: "nobody keeps the board up; as of {at} UTC", signals: "Signals open: {n}", live: "LIVE", demo: "DEMO", replay: "REPLAY",
    },
    zh: {
      head: ["币种", "买入", "卖出", "净价差 bps", "毛价差", "可成交 $"], spot: "现货", full: "完整界面", other: "English",
      some: "{total} 个中有 {n} 个扣费后为正 · 以下为最接近者", none: "{total} 个中暂无扣费后为正 · 以下为最接近者",
      asof: "数据时间 {at} UTC", lost: "无响应；数据截至 {at} UTC，正在重试", warming: "预热中：尚无价格",
      stale: "行情板停止更新；数据截至 {at} UTC", signals: "进行中的信号：{n}", live: "实盘", demo: "演示", replay: "回放",
    },
  };
  var STRIPES = {
    demo: "DEMO · simulated prices, not a market / 模拟行情，非真实市场",
    replay: "REPLAY · recorded prices, not the market of now / 历史回放，非当前行情",
  };
  var asked = /[?&]lang=(en|zh)/.exec(location.search);
  var lang = asked ? asked[1] : (navigator.language || "en").toLowerCase().indexOf("zh") === 0 ? "zh" : "en";
  var last = "…";

  function id(name) {
    return document.getElementById(name);
  }
  function t(key, values) {
    return WORDS[lang][key].replace(/\{(\w+)\}/g, function (whole, name) {
      return values && values[name] != null ? values[name] : whole;
    });
  }
  function add(parent, tag, text, style) {
    var element = document.createElement(tag);
    if (text != null) element.textContent = text;
    if (style) element.className = style;
    parent.appendChild(element);
    return element;
  }
  function bps(value) {
    var text = Math.abs(value).toFixed(1);
    return (value > 0 && text !== "0.0" ? "+" : value < 0 && text !== "0.0" ? "\u2212" : "") + text;
  }
  // A JSON number below a millionth would come out with an exponent.
  function price(value) {
    var text = String(value);
    return /e/i.test(text) ? Number(value).toFixed(14).replace(/0+$/, "") : text;
  }
  function dollars(value) {
    return value >= 1e6 ? (value / 1e6).toFixed(1) + "M" : value >= 1000 ? (value / 1000).toFixed(1) + "k" : value.toFixed(0);
  }
  function side(tr, row, name) {
    var cell = add(tr, "td", row[name + "_venue"] + (row[name + "_market"] === "spot" ? " " + t("spot") : ""), "side");
    cell.appendChild(document.createElement("br"));
    add(cell, "small", price(row[name + "_price"]));
  }
  function line(body, key, n, total) {
    var cell = add(add(body, "tr", null, "line"), "td", t(key, { n: n, total: total }));
    cell.colSpan = 6;
  }
  function show(board) {
    var rows = board.rows.filter(function (row) {
      return row.kind != null;
    });
    rows.sort(function (a, b) {
      return b.net_in_out_bps - a.net_in_out_bps;
    });
    var paying = rows.filter(function (row) {
      return row.net_in_out_bps > 0;
    }).length;
    var body = document.createElement("tbody");
    body.id = "rows";
    rows.slice(0, 100).forEach(function (row, i) {
      if (i === paying) line(body, paying ? "some" : "none", paying, rows.length);
      var tr = add(body, "tr", null, row.net_in_out_bps > 0 ? "pays" : "");
      add(tr, "td", row.asset);
      side(tr, row, "buy");
      side(tr, row, "sell");
      add(tr, "td", bps(row.net_in_out_bps), "net");
      add(tr, "td", row.edge_bps.toFixed(1).replace("-", "\u2212"), "gross");
      add(tr, "td", dollars(row.size_usd));
    });
    id("board").replaceChild(body, id("rows"));
    id("board").hidden = !rows.length;
    last = board.timestamp.slice(11, 19);
    id("mode").textContent = t(board.mode);
    id("stripe").hidden = !STRIPES[board.mode];
    id("stripe").textContent = STRIPES[board.mode] || "";
    var state = board.state === "live" ? "asof" : board.state;
    told(t(state, { at: last }), board.state === "stale");
  }
  function told(text, bad) {
    id("status").textContent = text;
    id("status").className = bad ? "bad" : "";
    id("board").className = bad ? "old" : "";
  }
  function signals(found) {
    var list = id("signals");
    list.textContent = "";
    id("signals-title").hidden = false;
    id("signals-title").textContent = t("signals", { n: found.count });
    found.signals.slice(0, 10).forEach(function (one) {
      add(list, "li", one.symbol + " " + one.long_exchange + " → " + one.short_exchange + " " + bps(one.edge_bps) + " bps");
    });
  }
  function get(path, then, failed) {
    var request = new XMLHttpRequest();
    request.open("GET", path);
    request.timeout = 8000;
    request.onload = function () {
      if (request.status === 200) then(JSON.parse(request.responseText));
      else failed();
    };
    request.onerror = request.ontimeout = failed;
    request.send();
  }
  function again() {
    setTimeout(tick, EVERY);
  }
  function tick() {
    get(
      "/api/board",
      function (board) {
        show(board);
        get("/api/arbitrage/signals?state=open&limit=50", signals, function () {});
        again();
      },
      function () {
        told(t("lost", { at: last }), true);
        again();
      }
    );
  }
  function dress() {
    document.documentElement.lang = lang;
    id("head").textContent = "";
    WORDS[lang].head.forEach(function (name, i) {
      add(id("head"), "th", name, ["", "side", "side", "", "gross", ""][i]).scope = "col";
    });
    id("lang").textContent = t("other");
    id("lang").href = "/simple?lang=" + (lang === "zh" ? "en" : "zh");
    id("full").textContent = t("full");
  }
  dress();
  if (!asked) {
    get(
      "/api/version",
      function (found) {
        if (WORDS[found.ui_lang]) lang = found.ui_lang;
        dress();
        tick();
      },
      tick
    );
  } else tick();
})();
