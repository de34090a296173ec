/** Looks like the page around it; `:where` gives it no weight, so that every rule of the panel's own counts more. @source admin-ui §12, §17 */
export const BASE_STYLE: string = `
:where(html) { font: 16px/1.5 system-ui, sans-serif; color: var(--text, CanvasText); background: var(--surface, Canvas); }
:where(body) { margin: 0; }
:where(h1, h2, h3) { line-height: 1.2; margin: 0 0 0.5em; }
:where(h1) { font-size: 1.375rem; }
:where(h2) { font-size: 1.125rem; }
:where(button, input, select, textarea) { font: inherit; color: inherit; background: var(--surface, Canvas);
  border: 1px solid var(--line, GrayText); border-radius: 6px; padding: 8px 12px; min-height: 44px; box-sizing: border-box; max-width: 100%; }
:where(button) { cursor: pointer; }
:where(button.primary) { color: var(--on-accent, ButtonText); background: var(--accent, ButtonFace); border-color: transparent; }
:where(a) { color: var(--accent, LinkText); }
:where(:focus-visible) { outline: 2px solid var(--focus, Highlight); outline-offset: 2px; }
:where(table) { border-collapse: collapse; width: 100%; }
:where(th, td) { text-align: start; padding: 8px; border-bottom: 1px solid var(--sunken, GrayText); }
`;
