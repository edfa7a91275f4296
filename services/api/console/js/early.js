// Before the first paint: theme and palette, so that the page never flashes in the wrong one.
(function () {
  var kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("parallax") || "{}") || {};
  } catch (error) {
    kept = {};
  }
  var light = window.matchMedia && window.matchMedia("(prefers-color-scheme: light)").matches;
  var asked = /[?&]theme=(dark|light)/.exec(location.search);
  var root = document.documentElement;
  root.dataset.theme = asked ? asked[1] : kept.theme || (light ? "light" : "dark");
  root.dataset.palette = kept.palette || "green";
  root.dataset.flash = kept.flash === false ? "off" : "on";
})();
