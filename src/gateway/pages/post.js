// Whoever comes back by the browser's button is not sent away again.
if ((performance.getEntriesByType("navigation")[0] || {}).type !== "back_forward") {
  document.getElementById("on").submit();
}
