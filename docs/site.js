// Material makes each copy button a landmark without a name: dozens of them, the same, in a screen reader's list.  And
// a wide table is scrolled in an element that only a mouse or a finger reaches.
const mend = () => {
  for (const nav of document.querySelectorAll("nav.md-code__nav:not([role])")) nav.setAttribute("role", "none");
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wrap.tabIndex = 0;
};
mend();
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
