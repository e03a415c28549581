/** The page's one style sheet: ink and paper, one green for what was measured, one ochre for what it is measured against. */
export const style = `
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1d2421; --soft: #5d6863; --rule: #dcdfd9;
  --mark: #0f7466; --mark-soft: #0f746633; --base: #b4791f; --third: #6a5aa8; --bad: #a8412f; }
@media (prefers-color-scheme: dark) { :root { --paper: #131715; --card: #1a1f1d; --ink: #e6e9e5; --soft: #98a39d;
  --rule: #303733; --mark: #4cc2ac; --mark-soft: #4cc2ac40; --base: #dba64f; --third: #a99be0; --bad: #e58a76; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1, h2 { font-family: Charter, "Bitstream Charter", "Iowan Old Style", "Sitka Text", Cambria, Georgia, serif; font-weight: 600;
  line-height: 1.15; text-wrap: balance; letter-spacing: -0.01em; }
h1 { font-size: clamp(1.9rem, 5vw, 2.9rem); margin: 0 0 .6rem; }
h2 { font-size: 1.55rem; margin: 3.75rem 0 .35rem; padding-top: 1.1rem; border-top: 1px solid var(--rule); }
h3 { font-size: .95rem; font-weight: 600; margin: 0; }
p { max-width: 44rem; margin: .4rem 0 1rem; }
.quiet, figcaption, caption, .note { color: var(--soft); font-size: .875rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 1.25rem 0 0; font-size: .9rem; }
a { color: var(--mark); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--mark); outline-offset: 3px; border-radius: 2px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(max(9.5rem, 22%), 1fr)); gap: .75rem; margin: 1.75rem 0 0; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .9rem 1rem .75rem; }
.card .value { font-size: clamp(1.35rem, 4.5vw, 1.75rem); font-weight: 600; line-height: 1.25; letter-spacing: -.02em; }
.card .value small { font-size: .8rem; font-weight: 400; color: var(--soft); letter-spacing: 0; margin-left: .35rem; }
.card h3 { color: var(--soft); font-weight: 500; font-size: .85rem; }
.value span, .against b { white-space: nowrap; }
.card .against { font-size: .82rem; color: var(--soft); }
.card .against b { color: var(--base); font-weight: 600; }
.card .worse { color: var(--bad); font-weight: 600; }
.bar { width: 100%; height: auto; display: block; margin: .35rem 0 .15rem; }
.bar .rule { stroke: var(--rule); stroke-width: 2; } .bar .range { stroke: var(--mark); stroke-width: 4; opacity: .4; }
.bar .base { stroke: var(--base); stroke-width: 2.5; } .bar .dot { fill: var(--mark); }
.scroll { overflow-x: auto; margin: .75rem 0 1.25rem; }
table { border-collapse: collapse; min-width: 22rem; font-size: .9rem; }
caption { text-align: left; padding: 0 0 .4rem; }
th, td { padding: .32rem 1.1rem .32rem 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; white-space: normal; min-width: 7rem; }
thead th { font-weight: 500; color: var(--soft); font-size: .82rem; vertical-align: bottom; }
td small { color: var(--soft); display: block; font-size: .76rem; }
.pairs th { width: 11rem; color: var(--soft); } .pairs td { text-align: left; white-space: normal; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1.5rem; margin: 1rem 0; }
figure { margin: 0; } .chart svg { width: 100%; max-width: 26rem; height: auto; display: block; overflow: visible; }
.chart text { font: 11px system-ui, sans-serif; fill: var(--soft); } .chart .rule { stroke: var(--rule); }
.chart .guide { stroke: var(--soft); stroke-dasharray: 3 4; fill: none; }
.dots { stroke: none; fill: var(--mark); } .dots-1 { fill: var(--base); } .dots-2 { fill: var(--third); } .dots-3 { fill: var(--bad); }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke: var(--mark); }
.line-1 { stroke: var(--base); } .line-2 { stroke: var(--third); } .line-3 { stroke: var(--bad); }
.kinds { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); gap: .9rem .8rem; margin: .8rem 0 1.2rem; }
.kinds figcaption { font-size: .78rem; overflow-wrap: anywhere; } .kinds small { display: block; } .kinds .frame { fill: none; stroke: var(--rule); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0; margin: .35rem 0 0; font-size: .82rem; color: var(--soft); }
.legend li::before { content: ""; display: inline-block; width: 1.1em; height: 3px; border-radius: 2px; margin-right: .4em; vertical-align: .25em; background: var(--mark); }
.legend .key-1::before { background: var(--base); } .legend .key-2::before { background: var(--third); } .legend .key-3::before { background: var(--bad); }
.matrix svg { max-width: none; } .cell { fill: var(--rule); opacity: .98; } .matrix rect:not([style]) { opacity: .35; }
.matrix text.on-light { fill: #16201c; } .matrix text.on-dark { fill: #f3f5f1; }
.clip { padding: 1.4rem 0; } .clip + .clip { border-top: 1px solid var(--rule); }
.clip header { display: flex; flex-wrap: wrap; gap: .2rem .9rem; align-items: baseline; margin-bottom: .7rem; }
.tiles { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(8rem, 10.4rem); gap: .75rem; overflow-x: auto; padding-bottom: .4rem;
  justify-content: start; scroll-snap-type: x proximity; }
.tile { scroll-snap-align: start; min-width: 0; }
.tile { display: flex; flex-direction: column; justify-content: end; } .tile figcaption { font-size: .78rem; margin-bottom: .3rem; overflow-wrap: anywhere; text-wrap: balance; }
.tile img, .reel { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--rule); }
.tile img + img { margin-top: .35rem; } .tile img.sound { height: auto; aspect-ratio: 2; object-fit: fill; image-rendering: auto; }
.reel { overflow: hidden; position: relative; } .reel img { height: 100%; max-width: none; border-radius: 0; }
.heard { position: relative; margin-top: .35rem; } .heard .reel { position: absolute; inset: 0; height: 100%; background: none; mix-blend-mode: multiply; }
.heard .reel img { image-rendering: pixelated; margin: 0; }
@keyframes reel { to { transform: translateX(-100%); } }
.query { border-right: 2px solid var(--rule); padding-right: .75rem; }
.right img { outline: 3px solid var(--mark); outline-offset: -3px; } .right figcaption { color: var(--mark); font-weight: 600; }
.split { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 2.5rem; }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--mark); font-size: .92rem; }
pre { white-space: pre-wrap; font: .82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: .9rem 1rem; }
.care { border-left: 3px solid var(--base); padding: .1rem 0 .1rem 1rem; margin: 1.5rem 0 0; max-width: 46rem; font-size: .92rem; } .care ul { padding-left: 1.1rem; margin: .3rem 0; }
@media (max-width: 34rem) { main { padding: 1.5rem .9rem 4rem; } .card .value small { display: block; margin: 0; }
  table { min-width: 0; width: 100%; font-size: .74rem; } th, td { padding-right: .35rem; white-space: normal; overflow-wrap: break-word; }
  thead th, td small { font-size: .66rem; } th:first-child { min-width: 3.2rem; } th, td { overflow-wrap: normal; } .matrix svg { min-width: 0 !important; }
  .tiles { grid-auto-flow: row; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; overflow: visible; }
  .tile figcaption { white-space: normal; overflow-wrap: anywhere; } .query { border: 0; padding: 0; } }
@media (prefers-reduced-motion: reduce) { .reel img { animation: none !important; } html { scroll-behavior: auto; } }
@media print { body { background: #fff; } .tiles { overflow: visible; } .card, .clip { break-inside: avoid; } }
`;
