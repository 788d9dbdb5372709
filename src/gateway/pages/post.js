// Before the page is loaded whole: so it takes no place in the history to be trapped by.
document.getElementById("on").submit();
