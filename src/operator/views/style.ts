/** The style of the page: the system's own fonts, light and dark, from a phone's width on. */
import { hashOf } from "./script.ts";

const COLOURS = `:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --panel: #fff; --ink: #16191f; --quiet: #596273; --edge: #dde1e8; --hover: #f0f3f8;
  --accent: #2350c4; --accent-ink: #fff; --good: #14713d; --wait: #8a5300; --bad: #b3261e; --off: #5b6472;
  --bad-ground: #fdecea; --note-ground: #e7f0ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1216; --panel: #171b21; --ink: #e8ebf0; --quiet: #9aa5b5; --edge: #2a313b; --hover: #1e242c;
    --accent: #8db0ff; --accent-ink: #0c1526; --good: #63d297; --wait: #f0b655; --bad: #ff8a80; --off: #a3adbb;
    --bad-ground: #3a1a18; --note-ground: #16263f;
  }
}`;

const BASE = `*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
h1 { font-size: 20px; line-height: 1.3; margin: 0; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 13px; margin: 0 0 10px; font-weight: 650; }
h3 { font-size: 13px; margin: 0 0 8px; font-weight: 600; }
p { margin: 8px 0; }
code, pre, .id, .token { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
small { display: block; color: var(--quiet); font-size: 12px; overflow-wrap: anywhere; }
dl, dd, ul, figure { margin: 0; padding: 0; }
main { padding: 18px 20px 40px; max-width: 1680px; margin: 0 auto; }
main:focus { outline: none; }
.quiet { color: var(--quiet); font-weight: 400; }
.bad { color: var(--bad); }
.lead { font-size: 15px; max-width: 70ch; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999px; top: 6px; background: var(--panel); padding: 6px 10px; z-index: 2; }
.skip:focus { left: 8px; }
.empty { background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: 32px; text-align: center; color: var(--quiet); margin: 0; }
.banner { margin: 0; padding: 12px 20px; background: var(--bad); color: var(--panel); }
.problem { background: var(--bad-ground); color: var(--bad); padding: 8px 12px; border-radius: 6px; overflow-wrap: anywhere; }
.notice { background: var(--note-ground); padding: 8px 12px; border-radius: 6px; margin: 0 0 14px; }`;

const TOP = `.top { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 22px; padding: 10px 20px; background: var(--panel); border-bottom: 1px solid var(--edge); }
.brand { color: var(--ink); font-weight: 650; display: inline-flex; align-items: center; gap: 7px; }
.brand:hover { text-decoration: none; }
.mark { width: 14px; height: 14px; border-radius: 4px; background: var(--accent); }
.top nav { display: flex; gap: 4px; }
.top nav a { color: var(--quiet); padding: 4px 9px; border-radius: 6px; }
.top nav a[aria-current] { color: var(--ink); background: var(--hover); }
.operator { margin: 0 0 0 auto; color: var(--quiet); overflow-wrap: anywhere; }
.tag { border: 1px solid var(--edge); border-radius: 999px; padding: 1px 8px; font-size: 12px; margin-left: 6px; white-space: nowrap; }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 14px; margin-bottom: 12px; }`;

const FORMS = `.filters { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-left: auto; }
input, select, button, .button { font: inherit; color: inherit; background: var(--panel); border: 1px solid #8a93a3; border-radius: 6px; padding: 5px 10px; min-height: 32px; }
input[type="search"] { width: 230px; }
button, .button { cursor: pointer; display: inline-flex; align-items: center; }
button:hover, .button:hover { background: var(--hover); text-decoration: none; }
form[method="post"] button { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.grave, form[method="post"] .grave { border-color: var(--bad); }
a.grave { color: var(--bad); }
form[method="post"] button.grave { background: var(--bad); color: var(--panel); }
.button.plain { border-color: transparent; background: none; }
.choice { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
.chip { border: 1px solid var(--edge); background: var(--note-ground); border-radius: 999px; padding: 4px 11px; overflow-wrap: anywhere; }
.actions { list-style: none; display: flex; flex-wrap: wrap; gap: 8px; margin: 0 0 16px; }
.token { width: min(100%, 46ch); padding: 8px 10px; margin-left: 6px; }
.live-state { display: flex; justify-content: flex-end; align-items: center; gap: 10px; margin: 0 0 10px; color: var(--quiet); font-size: 12px; }
.live-state[hidden] { display: none; }
.live-state button { min-height: 26px; padding: 1px 9px; }`;

const TABLES = `.summary { display: flex; flex-wrap: wrap; gap: 6px 30px; margin: 0 0 16px; align-items: flex-end; }
.summary dt { color: var(--quiet); font-size: 12px; }
.summary dd { font-size: 22px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.25; }
.summary .minor dd { font-size: 15px; font-weight: 500; }
.columns { display: grid; gap: 20px; grid-template-columns: minmax(0, 1fr); align-items: start; }
table { border-collapse: collapse; width: 100%; background: var(--panel); border: 1px solid var(--edge); font-size: 13px; }
caption { text-align: left; font-weight: 650; font-size: 13px; padding: 0 0 8px; }
th, td { text-align: left; padding: 7px 10px; border-top: 1px solid var(--edge); vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
thead th { color: var(--quiet); font-size: 12px; border-top: 0; white-space: nowrap; }
th.number { text-align: right; }
tbody tr:hover { background: var(--hover); }
.computes td:nth-child(1) { font-weight: 550; }
.computes td:nth-child(1) small { font-weight: 400; }
.computes time { white-space: nowrap; }
tfoot th, tfoot td { font-weight: 650; }
.costs { max-width: 860px; }
.costs th:first-child { width: 36%; min-width: 130px; }
h1 + .summary { margin-top: 10px; }
.totals { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 270px), 1fr)); align-items: start; }
.pager { display: flex; gap: 16px; margin-top: 12px; }
.state { display: inline-flex; align-items: center; gap: 6px; font-weight: 550; white-space: nowrap; color: var(--off); }
.state::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.state.running { color: var(--good); }
.state.pending, .state.provisioning, .state.terminating { color: var(--wait); }
.state.uncertain, .state.failed { color: var(--bad); }
.state.terminated::before, .state.stopped::before { background: none; border: 2px solid currentColor; }`;

const PANELS = `.panels { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.panels > section { background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.panels table { border: 0; }
main > section { margin-top: 20px; }
.facts > div { display: grid; grid-template-columns: 130px minmax(0, 1fr); gap: 10px; padding: 4px 0; border-top: 1px solid var(--edge); }
.facts > div:first-child { border-top: 0; }
.facts dt { color: var(--quiet); overflow-wrap: anywhere; }
.facts dd { overflow-wrap: anywhere; }
.data { display: block; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.panels .scroll { max-height: 420px; overflow-y: auto; }
.events td { overflow-wrap: normal; }
.events td:first-child, .events td:nth-child(3), td > code:only-child:not(.data) { white-space: nowrap; }
.events td:last-child { min-width: 260px; width: 100%; }
summary { cursor: pointer; overflow-wrap: anywhere; }
details[open] summary code { display: none; }
details[open] summary::after { content: "less"; color: var(--quiet); }
.last-first { display: flex; flex-direction: column-reverse; }
pre { margin: 0; padding: 10px 12px; background: var(--ground); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.gpu + .gpu { margin-top: 14px; border-top: 1px solid var(--edge); padding-top: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px 22px; }
.chart figcaption { color: var(--quiet); font-size: 12px; }
.chart strong { color: var(--ink); }
.chart svg { display: block; width: 100%; height: 44px; margin-top: 3px; border-bottom: 1px solid var(--edge); }
.chart .area { fill: var(--accent); opacity: 0.13; }
.chart .line { stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }`;

const WIDTHS = `@media (min-width: 1000px) {
  .panels { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .panels .wide { grid-column: 1 / -1; }
  .panels .tall { grid-row: span 3; }
}
@media (min-width: 1400px) {
  .columns { grid-template-columns: minmax(0, 1fr) 372px; }
  .totals { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 900px) {
  main { padding: 14px 14px 32px; }
  .filters { margin-left: 0; width: 100%; }
  .filters input[type="search"] { flex: 1 1 100px; width: 100px; }
  .filters select { width: 110px; }
  .computes, .computes tbody { display: block; border: 0; background: none; }
  .computes thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .computes tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: 8px 4px; margin-bottom: 10px; }
  .computes th, .computes td { display: block; border: 0; padding: 3px 10px; text-align: left; }
  .computes small { display: inline; margin-left: 5px; }
  .computes td:nth-child(1) small::before, .computes td:nth-child(3) small::before { content: "· "; }
  .computes td::before, .computes th[scope="row"]::before { content: attr(data-label); display: block; color: var(--quiet); font-size: 11px; font-weight: 400; }
  .computes td:nth-child(1), .computes td:nth-child(3) { grid-column: span 2; }
  .computes td:nth-child(1)::before, .computes th[scope="row"]::before, .computes td:nth-child(4)::before { display: none; }
  .computes th[scope="row"] { order: 1; grid-column: span 3; padding-top: 6px; }
  .computes td:nth-child(4) { order: -1; grid-column: 3; grid-row: 1; }
  .computes td:nth-child(9) { display: none; }
  .events, .events tbody { display: block; }
  .events thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .events tr { display: grid; grid-template-columns: auto 1fr auto; border-top: 1px solid var(--edge); padding: 5px 0; }
  .events td { border: 0; padding: 2px 8px 2px 0; }
  .events td:last-child { grid-column: 1 / -1; min-width: 0; }
  .operator { margin-left: 0; }
  .top nav { margin-left: -9px; }
}`;

/** The style sheet. */
export const style: string = [COLOURS, BASE, TOP, FORMS, TABLES, PANELS, WIDTHS].join("\n");

/** The address of the style sheet, which changes with its text. */
export const styleAddress: string = `style.css?v=${hashOf(style)}`;

/** The icon of the page. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2350c4"/></svg>';
