"use strict";
(function () {
  var root = document.documentElement;
  var data = JSON.parse(document.getElementById("data").textContent);
  var words = data.words, files = data.files, activity = data.activity;
  var languages = ["en", "ur"], digits = new Intl.NumberFormat("en-US");
  var SVG = "http://www.w3.org/2000/svg", HOUR = 3600, DAY = 86400, PAGE = 50;

  function byId(id) { return document.getElementById(id); }
  function show(id) { var e = byId(id); if (e) { e.hidden = false; } return e; }
  function num(value) { return digits.format(value); }
  function add(parent, tag, text, cls) {
    var e = document.createElement(tag);
    if (text !== undefined && text !== null) { e.textContent = text; }
    if (cls) { e.className = cls; }
    parent.appendChild(e);
    return e;
  }
  function left(parent, text, tag) { var e = add(parent, tag || "bdi", text); e.dir = "ltr"; return e; }
  /* each part of a path apart, or two Urdu names would be shown in the other order */
  function parts(parent, text) {
    text.split("/").forEach(function (name, place) { if (place) { parent.appendChild(document.createTextNode("/")); } if (name) { left(parent, name); } });
  }
  function empty(e) { while (e.firstChild) { e.removeChild(e.firstChild); } return e; }

  /* texts: an element names its text; values stand isolated in it */
  function template(key) { var found = words[key]; return found ? found[languages.indexOf(root.lang)] : key.slice(key.lastIndexOf(".") + 1); }
  function plain(key, values) {
    return template(key).replace(/\{([a-z_]+)\}/g, function (whole, name) {
      var value = values[name];
      return value && value.t ? plain(value.t, {}) : String(value);
    });
  }
  function fill(element, key, values) {
    empty(element);
    template(key).split(/(\{[a-z_]+\})/).forEach(function (part) {
      if (part.charAt(0) !== "{") { element.appendChild(document.createTextNode(part)); return; }
      var value = values[part.slice(1, -1)];
      if (value && value.t) { element.appendChild(say(value.t)); } else { add(element, "bdi", value, "v"); }
    });
  }
  function say(key, values) {
    var e = document.createElement("span");
    e.dataset.t = key;
    if (values) { e.dataset.p = JSON.stringify(values); }
    fill(e, key, values || {});
    return e;
  }
  function speak(language) {
    root.lang = language;
    root.dir = language === "ur" ? "rtl" : "ltr";
    Array.prototype.slice.call(document.querySelectorAll("[data-t]")).forEach(function (e) {
      if (document.contains(e)) { fill(e, e.dataset.t, e.dataset.p ? JSON.parse(e.dataset.p) : {}); }
    });
    Array.prototype.forEach.call(document.querySelectorAll("option[data-k]"), function (e) {
      e.textContent = plain(e.dataset.k, e.dataset.v ? JSON.parse(e.dataset.v) : {});
    });
    Array.prototype.forEach.call(document.querySelectorAll("[data-h]"), function (e) { e.dataset.l = plain(e.dataset.h, {}); });
    var button = byId("lang");
    button.lang = language === "ur" ? "en" : "ur";
    button.textContent = words.language[language === "ur" ? 0 : 1];
    if (chart) { draw(); }
    list();
  }
  function option(select, value, key, values) {
    var e = add(select, "option", plain(key, values || {}));
    e.value = value;
    e.dataset.k = key;
    if (values) { e.dataset.v = JSON.stringify(values); }
  }

  /* times: seconds since 1970; a zone is an offset in seconds, or that of this computer at a time */
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function caseOffset() {
    var m = /^([+-])(\d\d):(\d\d)$/.exec(data.zone || "");
    return m ? (m[1] === "-" ? -1 : 1) * (Number(m[2]) * 3600 + Number(m[3]) * 60) : 0;
  }
  function offset(seconds) {
    if (state.source !== "utc" || state.zone === "utc") { return 0; }
    if (state.zone === "case") { return caseOffset(); }
    return -60 * new Date(seconds * 1000).getTimezoneOffset();
  }
  function suffix(seconds) {
    if (state.source !== "utc") { return ""; }
    var o = offset(seconds);
    if (state.zone === "utc") { return "Z"; }
    var a = Math.abs(o);
    return (o < 0 ? "-" : "+") + two(Math.floor(a / 3600)) + ":" + two(Math.floor(a % 3600 / 60));
  }
  function stamp(seconds, off, length, end) {
    var d = new Date((seconds + off) * 1000), y = d.getUTCFullYear();
    var text = ("000" + y).slice(y > 9999 ? -5 : -4) + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()) +
      " " + two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
    return text.slice(0, length) + (end || "");
  }
  function when(seconds) { return stamp(seconds, offset(seconds), 16, suffix(seconds)); }

  var state = { letter: "m", source: "utc", zone: "utc", from: 0, to: 0, sort: "", down: false, page: 0, find: "", only: "all", limit: false };
  var chart = byId("chart"), series = null, span = null;

  function load() {
    var found = (activity[state.source] || {})[state.letter];
    var at = 0, times = [], counts = [], i;
    series = null;
    if (!found) { return; }
    for (i = 0; i < found.bins.length; i += 2) {
      at += found.bins[i];
      times.push(at * found.width);
      counts.push(found.bins[i + 1]);
    }
    series = { width: found.width, times: times, counts: counts, all: counts.reduce(function (a, b) { return a + b; }, 0) };
    span = [times[0], times[times.length - 1] + found.width];
  }
  /* where nearly all times lie, so that one clock at 1970 or 2107 does not hide the rest */
  function bulk() {
    var skip = series.all * 0.005, sum = 0, i, a = 0, b = series.times.length - 1;
    for (i = 0; i < series.counts.length; i++) { sum += series.counts[i]; if (sum > skip) { a = i; break; } }
    sum = 0;
    for (i = series.counts.length - 1; i >= 0; i--) { sum += series.counts[i]; if (sum > skip) { b = i; break; } }
    var width = Math.max(series.times[b] + series.width - series.times[a], 12 * series.width);
    var pad = Math.max(width * 0.02, series.width);
    return [series.times[a] - pad, series.times[a] + width + pad];
  }
  function whole() { var pad = Math.max((span[1] - span[0]) * 0.02, 6 * series.width); state.from = span[0] - pad; state.to = span[1] + pad; }

  /* a bar is so many hours, days, months or years, begun where the clock or calendar begins them */
  var STEPS = [[HOUR, 1, "hours"], [3 * HOUR, 3, "hours"], [6 * HOUR, 6, "hours"], [12 * HOUR, 12, "hours"], [DAY, 1, "days"],
    [2 * DAY, 2, "days"], [7 * DAY, 7, "days"], [14 * DAY, 14, "days"], [30 * DAY, 1, "months"], [91 * DAY, 3, "months"], [182 * DAY, 6, "months"],
    [365 * DAY, 1, "years"], [730 * DAY, 2, "years"], [1826 * DAY, 5, "years"], [3652 * DAY, 10, "years"], [9131 * DAY, 25, "years"]];
  function step(pixels) {
    var least = (state.to - state.from) / Math.max(20, pixels / 9), i;
    for (i = 0; i < STEPS.length - 1; i++) { if (STEPS[i][0] >= least && STEPS[i][0] >= series.width) { break; } }
    return STEPS[i];
  }
  function begin(seconds, s) {
    var off = offset(seconds), d, m;
    if (s[2] === "hours" || s[2] === "days") { return Math.floor((seconds + off) / s[0]) * s[0] - off; }
    d = new Date((seconds + off) * 1000);
    if (s[2] === "months") { m = Math.floor(d.getUTCMonth() / s[1]) * s[1]; return Date.UTC(d.getUTCFullYear(), m, 1) / 1000 - off; }
    return utcYear(Math.floor(d.getUTCFullYear() / s[1]) * s[1]) - off;
  }
  function utcYear(year) { var d = new Date(0); d.setUTCFullYear(year, 0, 1); return d.getTime() / 1000; }
  function next(start, s) {
    var off = offset(start), d;
    if (s[2] === "hours" || s[2] === "days") { return start + s[0]; }
    d = new Date((start + off) * 1000);
    if (s[2] === "months") { return Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + s[1], 1) / 1000 - off; }
    return utcYear(d.getUTCFullYear() + s[1]) - off;
  }
  function bars(from, to, s) {
    var found = [], last = null, i, t, b;
    for (i = lower(from - series.width); i < series.times.length && series.times[i] < to; i++) {
      t = series.times[i];
      b = begin(t, s);
      if (last && last.from === b) { last.count += series.counts[i]; continue; }
      last = { from: b, to: next(b, s), count: series.counts[i] };
      found.push(last);
    }
    return found;
  }
  function lower(value) {
    var a = 0, b = series.times.length, m;
    while (a < b) { m = (a + b) >> 1; if (series.times[m] < value) { a = m + 1; } else { b = m; } }
    return a;
  }

  function part(parent, tag, values, text) {
    var e = document.createElementNS(SVG, tag), name;
    for (name in values) { e.setAttribute(name, values[name]); }
    if (text !== undefined) { e.textContent = text; }
    parent.appendChild(e);
    return e;
  }
  var shown = [], drag = null, H = 200, BASE = 176;
  function x(seconds, width) { return (seconds - state.from) / (state.to - state.from) * width; }
  function nice(top) {
    var p = Math.pow(10, Math.floor(Math.log(top) / Math.LN10)), n = top / p;
    return (n <= 1 ? 1 : n <= 2 ? 2 : n <= 5 ? 5 : 10) * p;
  }
  function draw() {
    var width = Math.max(chart.clientWidth, 240), s, top, svg, i;
    empty(chart);
    if (!series) { return; }
    s = step(width);
    shown = bars(state.from, state.to, s);
    top = nice(Math.max.apply(null, shown.map(function (b) { return b.count; }).concat([1])));
    svg = part(chart, "svg", { width: width, height: H, viewBox: "0 0 " + width + " " + H, "aria-hidden": "true" });
    for (i = 0; i <= 2; i++) {
      var gy = BASE - i * (BASE - 16) / 2;
      part(svg, "line", { x1: 0, x2: width, y1: gy, y2: gy, "class": i ? "grid" : "axis" });
      if (i && (top * i / 2) % 1 === 0) { part(svg, "text", { x: 2, y: gy - 3, "class": "tick" }, num(top * i / 2)); }
    }
    shown.forEach(function (bar, place) {
      var a = Math.max(x(bar.from, width), 0), b = Math.min(x(bar.to, width), width);
      var h = Math.max(2, bar.count / top * (BASE - 16));
      if (b > a) {
        part(svg, "rect", { x: a.toFixed(2), y: (BASE - h).toFixed(2), width: Math.max(1, b - a - (b - a > 4 ? 1.5 : 0)).toFixed(2), height: h.toFixed(2), rx: b - a > 6 ? 2 : 0, "class": "col", "data-i": place });
      }
    });
    ticks(svg, width);
    chart.setAttribute("aria-label", plain("time.chart", {}));
    fill(empty(byId("width")), "time.width", { width: unit(s), least: unit(STEPS.filter(function (o) { return o[0] >= series.width; })[0] || STEPS[15]) });
    mini();
    readout();
    if (state.limit) { state.page = 0; list(); }
  }
  function unit(s) { return plain("unit." + s[2], { n: s[1] }); }
  function ticks(svg, width) {
    var range = state.to - state.from, want = range / Math.max(2, width / 120), s, i, t, at, length;
    for (i = 0; i < STEPS.length - 1; i++) { if (STEPS[i][0] >= want) { break; } }
    s = STEPS[i];
    length = s[2] === "years" ? 4 : s[2] === "months" ? 7 : s[2] === "days" ? 10 : 16;
    for (t = begin(state.from, s), i = 0; t < state.to && i < 60; t = next(t, s), i++) {
      at = x(t, width);
      if (at < 0 || at > width - 30) { continue; }
      part(svg, "line", { x1: at.toFixed(1), x2: at.toFixed(1), y1: BASE, y2: BASE + 5, "class": "axis" });
      part(svg, "text", { x: (at + 3).toFixed(1), y: H - 6, "class": "tick" }, stamp(t, offset(t), length));
    }
  }
  function mini() {
    var box = empty(byId("mini")), width = Math.max(box.clientWidth, 240), h = 34, buckets = [], top = 1, i, k, svg;
    var n = Math.floor(width / 3), range = span[1] - span[0];
    for (i = 0; i < series.times.length; i++) {
      k = Math.min(n - 1, Math.floor((series.times[i] - span[0]) / range * n));
      buckets[k] = (buckets[k] || 0) + series.counts[i];
      top = Math.max(top, buckets[k]);
    }
    svg = part(box, "svg", { width: width, height: h, viewBox: "0 0 " + width + " " + h });
    buckets.forEach(function (count, place) {
      var height = Math.max(2, Math.sqrt(count / top) * (h - 4));
      part(svg, "rect", { x: place * width / n, y: h - height, width: 2, height: height, "class": "col" });
    });
    var a = Math.max(0, (state.from - span[0]) / range * width), b = Math.min(width, (state.to - span[0]) / range * width);
    part(svg, "rect", { x: Math.min(a, width - 3), y: 0.5, width: Math.max(3, b - a), height: h - 1, rx: 3, "class": "window" });
  }
  function inside(from, to) {
    var sum = 0, i;
    for (i = lower(from); i < series.times.length && series.times[i] < to; i++) { sum += series.counts[i]; }
    return sum;
  }
  function readout(bar) {
    var e = byId("readout");
    if (bar) { fill(e, "time.bar", { from: when(bar.from), to: when(bar.to), count: num(bar.count) }); return; }
    fill(e, "time.window", { from: when(state.from), to: when(state.to), count: num(inside(state.from, state.to)), all: num(series.all) });
  }
  function zoom(factor, around) {
    var centre = around === undefined ? (state.from + state.to) / 2 : around, least = 6 * series.width;
    var range = Math.min(Math.max((state.to - state.from) * factor, least), 3 * (span[1] - span[0]) + 24 * series.width);
    var share = (centre - state.from) / (state.to - state.from);
    state.from = centre - range * share;
    state.to = state.from + range;
    draw();
  }
  function move(share) { var d = (state.to - state.from) * share; state.from += d; state.to += d; draw(); }
  function setTo(from, to) { state.from = Math.min(from, to); state.to = Math.max(from, to); if (state.to - state.from < series.width) { zoom(1); } else { draw(); } }
  function secondsAt(event) {
    var box = chart.getBoundingClientRect();
    return state.from + (event.clientX - box.left) / box.width * (state.to - state.from);
  }
  function redo(keep) {
    load();
    var unknown = state.source !== "utc";
    byId("unknown-zone").hidden = !unknown;
    byId("zone").disabled = unknown;
    if (series && !keep) { var r = bulk(); state.from = r[0]; state.to = r[1]; }
    if (series) { draw(); }
    list();
  }
  function letters() {
    var select = empty(byId("letter")), there = activity[state.source];
    "macb".split("").forEach(function (l) { if (there[l]) { option(select, l, "time." + l); } });
    if (!there[state.letter]) { state.letter = select.options[0].value; }
    select.value = state.letter;
  }
  function chartPart() {
    var sources = Object.keys(activity).sort(function (a, b) { return total(b) - total(a); });
    show("chart-part");
    state.source = sources.indexOf(state.source) >= 0 && state.fixed ? state.source : sources[0];
    sources.forEach(function (name) { option(byId("source"), name, "time.source." + name); });
    byId("source").value = state.source;
    byId("source-label").hidden = sources.length < 2 && sources[0] === "utc";
    option(byId("zone"), "utc", "time.zone.utc");
    if (data.zone) { option(byId("zone"), "case", "time.zone.case", { offset: data.zone }); }
    option(byId("zone"), "viewer", "time.zone.viewer");
    byId("zone").value = state.zone;
    letters();
    byId("letter").onchange = function () { state.letter = this.value; redo(true); };
    byId("source").onchange = function () { state.source = this.value; letters(); redo(); };
    byId("zone").onchange = function () { state.zone = this.value; redo(true); };
    byId("z-in").onclick = function () { zoom(0.5); };
    byId("z-out").onclick = function () { zoom(2); };
    byId("z-left").onclick = function () { move(-0.5); };
    byId("z-right").onclick = function () { move(0.5); };
    byId("z-all").onclick = function () { whole(); draw(); };
    chart.onkeydown = function (event) {
      var act = { ArrowLeft: [move, -0.25], ArrowRight: [move, 0.25], "+": [zoom, 0.5], "=": [zoom, 0.5], "-": [zoom, 2] }[event.key];
      if (act) { act[0](act[1]); } else if (event.key === "0") { whole(); draw(); } else { return; }
      event.preventDefault();
    };
    chart.addEventListener("pointerdown", function (event) { if (event.pointerType !== "touch") { drag = { from: secondsAt(event), x: event.clientX }; chart.setPointerCapture(event.pointerId); } });
    chart.addEventListener("pointermove", function (event) {
      var t = secondsAt(event), bar, svg = chart.querySelector("svg"), width = chart.clientWidth, old = chart.querySelector(".select");
      if (!svg) { return; }
      if (drag) {
        if (old) { old.remove(); }
        var a = x(Math.min(drag.from, t), width), b = x(Math.max(drag.from, t), width);
        part(svg, "rect", { x: a, y: 0, width: Math.max(1, b - a), height: BASE, "class": "select" });
        readout({ from: Math.min(drag.from, t), to: Math.max(drag.from, t), count: inside(Math.min(drag.from, t), Math.max(drag.from, t)) });
        return;
      }
      bar = shown.filter(function (b) { return b.from <= t && t < b.to; })[0];
      Array.prototype.forEach.call(svg.querySelectorAll(".col.now"), function (e) { e.setAttribute("class", "col"); });
      if (bar) { var e = svg.querySelector('[data-i="' + shown.indexOf(bar) + '"]'); if (e) { e.setAttribute("class", "col now"); } }
      readout(bar);
    });
    chart.addEventListener("pointerleave", function () { if (!drag) { readout(); } });
    chart.addEventListener("pointerup", function (event) {
      var begun = drag;
      drag = null;
      if (begun && Math.abs(event.clientX - begun.x) > 4) { setTo(begun.from, secondsAt(event)); } else if (begun) { draw(); }
    });
    chart.addEventListener("wheel", function (event) { if (event.ctrlKey || event.metaKey) { event.preventDefault(); zoom(event.deltaY > 0 ? 1.4 : 0.7, secondsAt(event)); } }, { passive: false });
    byId("mini").onclick = function (event) {
      var box = this.getBoundingClientRect(), at = span[0] + (event.clientX - box.left) / box.width * (span[1] - span[0]), half = (state.to - state.from) / 2;
      setTo(at - half, at + half);
    };
    window.addEventListener("resize", function () { draw(); });
  }
  function total(source) { return Object.keys(activity[source]).reduce(function (sum, l) { return sum + activity[source][l].bins.filter(function (v, i) { return i % 2; }).reduce(function (a, b) { return a + b; }, 0); }, 0); }

  /* the table of files: columns of numbers and texts, filtered and sorted as row numbers */
  var rows = [], lowered = null;
  function path(i) { return files.folders[files.folder[i]] + files.name[i]; }
  function haystack(i) {
    if (!lowered) { lowered = []; }
    if (lowered[i] === undefined) { lowered[i] = (path(i) + "\n" + files.types[files.type[i]] + "\n" + files.digest[i]).toLowerCase(); }
    return lowered[i];
  }
  function failed(i) { var s = files.states[files.state[i]]; return s !== "ok" && s.indexOf("skipped") !== 0; }
  var ONLY = {
    all: function () { return true; }, live: function (i) { return !files.deleted[i]; }, deleted: function (i) { return files.deleted[i] > 0; },
    bad: failed, notable: function (i) { return files.mark[i] === 2; }, known: function (i) { return files.mark[i] === 1; }
  };
  function choose() {
    var want = state.find.toLowerCase(), only = ONLY[state.only], times = files[state.letter], zone = state.source === "utc" ? 0 : 1, i, t;
    rows = [];
    for (i = 0; i < files.name.length; i++) {
      if (!only(i) || (want && haystack(i).indexOf(want) < 0)) { continue; }
      if (state.limit) { t = times[i]; if (t === null || files.zone[i] !== zone || t < state.from || t >= state.to) { continue; } }
      rows.push(i);
    }
    if (state.sort) { sort(); }
  }
  function sort() {
    var key = { path: path, size: function (i) { return files.size[i]; }, type: function (i) { return files.types[files.type[i]]; }, time: function (i) { return files[state.letter][i]; } }[state.sort];
    var keys = {}, way = state.down ? -1 : 1;
    rows.forEach(function (i) { keys[i] = key(i); });
    rows.sort(function (a, b) {
      var p = keys[a], q = keys[b];
      if (p === q) { return a - b; }
      if (p === null || p === "") { return 1; }
      if (q === null || q === "") { return -1; }
      return (p < q ? -1 : 1) * way;
    });
  }
  function time(cell, i, letter) {
    var t = files[letter][i], known = files.zone[i] === 0;
    if (t === null) { return; }
    var source = state.source, text;
    state.source = known ? "utc" : "local-unknown";
    text = stamp(t, offset(t), 19, suffix(t));
    state.source = source;
    left(cell, text);
    if (!known) { add(cell, "div", null, "quiet").appendChild(say("time.local")); }
  }
  function tag(key, cls) { var e = document.createElement("span"); e.className = "tag" + (cls ? " " + cls : ""); e.appendChild(say(key)); return e; }
  function cell(row, head, cls) { var e = add(row, "td", null, cls); e.dataset.h = head; e.dataset.l = plain(head, {}); return e; }
  function list() {
    var body = byId("rows");
    if (!body || byId("files-part").hidden) { return; }
    choose();
    var pages = Math.max(1, Math.ceil(rows.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    empty(body);
    rows.slice(state.page * PAGE, state.page * PAGE + PAGE).forEach(function (i) { line(body, i); });
    if (!rows.length) { var e = add(add(body, "tr"), "td"); e.colSpan = 4; e.appendChild(say("files.nothing")); }
    fill(byId("found"), "files.found", { count: num(rows.length), all: num(files.name.length) });
    fill(byId("pages"), "files.page", { n: num(state.page + 1), all: num(pages) });
    byId("prev").disabled = state.page === 0;
    byId("next").disabled = state.page >= pages - 1;
    fill(byId("time-head"), "col.time." + state.letter, {});
    Array.prototype.forEach.call(document.querySelectorAll("[data-sort]"), function (button) {
      if (button.dataset.sort === state.sort) { button.parentNode.setAttribute("aria-sort", state.down ? "descending" : "ascending"); } else { button.parentNode.removeAttribute("aria-sort"); }
    });
  }
  function line(body, i) {
    var row = add(body, "tr"), c = cell(row, "col.path", "path"), b = left(c), button;
    parts(add(b, "span", null, "dir"), files.folders[files.folder[i]]);
    parts(add(b, "b"), files.name[i]);
    if (files.mark[i]) { c.appendChild(document.createTextNode(" ")); c.appendChild(files.mark[i] === 2 ? tag("mark.notable", "hit") : tag("mark.known")); }
    button = add(c, "button", "", "open");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.appendChild(say("col.more"));
    button.onclick = function () { more(row, button, i); };
    proofs(add(c, "div", null, "proofs"), i);
    c = cell(row, "col.size", "num");
    if (files.size[i] !== null) { left(c, num(files.size[i])); }
    c = cell(row, "col.type");
    if (files.types[files.type[i]]) { left(c, files.types[files.type[i]]); }
    time(cell(row, "col.time." + state.letter, "when"), i, state.letter);
  }
  function proofs(box, i) {
    var basis = files.states[files.basis[i]], word = files.states[files.state[i]].split(" ")[0];
    function put(e) { box.appendChild(e); box.appendChild(document.createTextNode(" ")); }
    if (files.deleted[i] === 2) { put(tag("mark.reused")); } else if (files.deleted[i] && basis.indexOf("deleted") !== 0) { put(tag("mark.deleted")); }
    if (basis) { put(tag("basis." + basis, basis === "deleted-contiguous-guess" ? "warn" : "")); }
    if (word !== "ok") { put(tag("state." + word, failed(i) ? "bad" : "")); }
    if (files.digest[i]) { left(add(box, "span", null, "digest"), files.algorithm + " " + files.digest[i]); } else if (basis) { add(box, "span", null, "quiet").appendChild(say("digest.none")); }
  }
  function more(row, button, i) {
    var after = row.nextSibling, open = after && after.className === "more", dl, reason;
    button.setAttribute("aria-expanded", open ? "false" : "true");
    if (open) { after.remove(); return; }
    var made = document.createElement("tr"), c = add(made, "td");
    made.className = "more";
    c.colSpan = 4;
    dl = add(c, "dl");
    "macb".split("").forEach(function (l) { if (files[l][i] !== null) { add(dl, "dt").appendChild(say("col.time." + l)); time(add(dl, "dd"), i, l); } });
    if (files.states[files.basis[i]]) { add(dl, "dt").appendChild(say("deleted.col.basis")); add(dl, "dd").appendChild(say("basis." + files.states[files.basis[i]] + ".means")); }
    reason = files.states[files.state[i]].split(" ")[1];
    if (reason) { add(dl, "dt").appendChild(say("disk.col.state")); c = add(dl, "dd"); if (words["reason." + reason]) { c.appendChild(say("reason." + reason)); } else { left(c, reason); } }
    add(dl, "dt").appendChild(say("col.row"));
    left(add(dl, "dd"), [files.row[i], files.stream[i]].filter(function (v) { return v !== null; }).join(", "));
    row.parentNode.insertBefore(made, row.nextSibling);
  }
  function filesPart() {
    show("files-part");
    ["all", "live", "deleted", "bad", "notable", "known"].forEach(function (name) {
      if (name === "all" || files.name.some(function (v, i) { return ONLY[name](i); })) { option(byId("only"), name, "files.only." + name); }
    });
    byId("limit").parentNode.hidden = !series;
    function again() { state.page = 0; list(); }
    byId("search").oninput = function () { state.find = this.value; again(); };
    byId("only").onchange = function () { state.only = this.value; again(); };
    byId("limit").onchange = function () { state.limit = this.checked; again(); };
    byId("prev").onclick = function () { state.page--; list(); };
    byId("next").onclick = function () { state.page++; list(); };
    Array.prototype.forEach.call(document.querySelectorAll("[data-sort]"), function (button) {
      button.onclick = function () {
        var same = state.sort === this.dataset.sort;
        state.down = same ? !state.down : this.dataset.sort === "size" || this.dataset.sort === "time";
        state.sort = this.dataset.sort;
        again();
      };
    });
  }

  /* an address such as page.html#lang=ur&from=2026-01-01&to=2026-02-01&find=jpg opens that view */
  function address() {
    var found = {}, hash = location.hash.slice(1);
    if (hash.indexOf("=") < 0) { return found; }
    hash.split("&").forEach(function (item) {
      var at = item.indexOf("=");
      try { found[item.slice(0, at)] = decodeURIComponent(item.slice(at + 1)); } catch (e) { found[item.slice(0, at)] = ""; }
    });
    return found;
  }
  function theme(name) { if (name === "dark" || name === "light") { root.dataset.theme = name; } }
  function apply(view) {
    var from = Date.parse(view.from), to = Date.parse(view.to);
    theme(view.theme);
    if (series) {
      if (activity[view.source]) { state.source = view.source; byId("source").value = view.source; letters(); }
      if (activity[state.source][view.time]) { state.letter = view.time; byId("letter").value = view.time; }
      if (["utc", "case", "viewer"].indexOf(view.zone) >= 0 && (view.zone !== "case" || data.zone)) { state.zone = view.zone; byId("zone").value = view.zone; }
      redo();
      if (from < to) { setTo(from / 1000, to / 1000); }
    }
    if (view.find) { state.find = byId("search").value = view.find; }
    if (ONLY[view.only]) { state.only = byId("only").value = view.only; }
    if (view.limit === "1" && series) { state.limit = byId("limit").checked = true; }
    if (/^(path|size|type|time)$/.test(view.sort)) { state.sort = view.sort; state.down = view.down === "1"; }
    if (languages.indexOf(view.lang) >= 0) { speak(view.lang); } else { speak(root.lang); }
    if (view.at && byId(view.at)) { byId(view.at).scrollIntoView({ behavior: "instant" }); }
  }

  document.querySelector(".switches").hidden = false;
  byId("lang").onclick = function () { speak(root.lang === "ur" ? "en" : "ur"); };
  byId("theme").onclick = function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    theme(dark ? "light" : "dark");
  };
  if (chart && Object.keys(activity).length) { chartPart(); load(); if (series) { var r = bulk(); state.from = r[0]; state.to = r[1]; } }
  filesPart();
  apply(address());
  window.addEventListener("hashchange", function () { var view = address(); if (Object.keys(view).length) { apply(view); } });
})();
