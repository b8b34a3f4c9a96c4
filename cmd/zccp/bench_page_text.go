package main

// benchPageText is the page of a report, for html/template. Values are told
// apart by hatching, not by colour; below 46 em a table becomes a list for each
// of its lines.
const benchPageText = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --ink: #1c1c1a; --soft: #5c5b57; --rule: #cfcdc6; --paper: #fffefb; --bar: #2f4b66; --pale: #dfe6ec; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e1; --soft: #a5a29b; --rule: #45443f; --paper: #191918; --bar: #9db8d1; --pale: #2b3640; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 76rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 Georgia, "Times New Roman", "DejaVu Serif", serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; font-weight: normal; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; font-weight: normal; margin: 2.6rem 0 .8rem; padding-top: .5rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1rem; font-weight: bold; margin: 0; }
.heading { margin: 0 0 1.4rem; max-width: 46rem; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: 0; font-size: .92rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font: .88em/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; }
code span { display: inline-block; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.8rem 2rem; }
figure { margin: 0; min-width: 0; }
svg.chart { display: block; width: 100%; height: auto; max-width: 36rem; font: 11px "DejaVu Sans", Helvetica, Arial, sans-serif; fill: var(--ink); }
svg.chart .grid { stroke: var(--rule); stroke-width: 1; }
svg.chart .axis { stroke: var(--ink); stroke-width: 1; }
svg.chart .soft { fill: var(--soft); }
svg.chart .bar0 { fill: var(--bar); stroke: var(--bar); stroke-width: 1; }
svg.chart .bar1 { stroke: var(--bar); stroke-width: 1; }
svg.chart .under { fill: var(--pale); }
svg.chart .hatch { stroke: var(--bar); stroke-width: 1.6; }
svg.chart .halo { stroke: var(--paper); stroke-width: 3.6; fill: none; }
svg.chart .whisker { stroke: var(--ink); stroke-width: 1.3; fill: none; }
.figures { margin: 1.8rem 0 0; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 0; font-size: .9rem; font-variant-numeric: tabular-nums lining-nums; border-top: 1px solid var(--ink); border-bottom: 1px solid var(--ink); }
th { font-weight: normal; color: var(--soft); text-align: right; vertical-align: bottom; padding: .3rem .4rem; border-bottom: 1px solid var(--ink); }
td, tbody th { padding: .22rem .4rem; text-align: right; white-space: nowrap; border: 0; }
thead th:first-child, tbody th { text-align: left; color: var(--ink); }
tbody tr + tr { border-top: 1px solid var(--rule); }
td.note { text-align: left; white-space: normal; font-style: italic; }
.notes { font-size: .9rem; color: var(--soft); max-width: 50rem; }
.notes p { margin: .4rem 0; }
@media (max-width: 46em) {
  table, tbody, tr, tbody th, td { display: block; }
  thead { display: none; }
  tbody tr { padding: .4rem 0; }
  tbody th { font-weight: bold; padding: 0; }
  td { display: flex; justify-content: space-between; gap: 1rem; padding: 0; }
  td.note { display: block; }
  td::before { content: attr(data-label); color: var(--soft); }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .35rem; }
}
@media print { body { max-width: none; padding: 0; } figure, tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p class="heading">{{.Heading}}</p>
<dl>
{{range .Facts}}<dt>{{.Name}}</dt><dd>{{if eq .Name "command"}}<code>{{range words .Value}}<span>{{.}}</span> {{end}}</code>{{else}}{{.Value}}{{end}}</dd>
{{end}}</dl>
{{range .Sections}}
<h2>{{.Title}}</h2>
<div class="charts">
{{range .Charts}}{{with draw .}}<figure>
<h3 id="title-{{.ID}}">{{.Title}}</h3>
<svg class="chart" viewBox="0 0 {{.Width}} {{.Height}}" role="img" aria-labelledby="title-{{.ID}}">
<defs><pattern id="hatch-{{.ID}}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="under" width="5" height="5"/><line class="hatch" x1="0" y1="0" x2="0" y2="5"/></pattern></defs>
{{$c := .}}{{range .Legend}}<rect class="bar{{.Style}}" x="{{.X}}" y="{{.Y}}" width="11" height="11"{{if .Style}} fill="url(#hatch-{{$c.ID}})"{{end}}/><text x="{{.TextX}}" y="{{.TextY}}">{{.Name}}</text>
{{end}}{{with .Caption}}<text class="soft" x="{{$c.Left}}" y="{{$c.CaptionY}}">{{.}}</text>
{{end}}{{range .Ticks}}<line class="grid" x1="{{.X}}" y1="{{$c.Top}}" x2="{{.X}}" y2="{{$c.Bottom}}"/><text class="soft" x="{{.X}}" y="{{$c.TickLabelY}}" text-anchor="middle">{{.Text}}</text>
{{end}}{{range .Rows}}<text x="{{$c.Left}}" dx="-6" y="{{.TextY}}" text-anchor="end"{{with .NameWidth}} textLength="{{.}}" lengthAdjust="spacingAndGlyphs"{{end}}>{{.Name}}{{if ne .Name .Full}}<title>{{.Full}}</title>{{end}}</text>{{range .Bars}}<rect class="bar{{.Style}}" x="{{.X}}" y="{{.Y}}" width="{{.Width}}" height="{{.Height}}"{{if .Style}} fill="url(#hatch-{{$c.ID}})"{{end}}/>{{end}}{{with .Whisker}}<path class="halo" d="M{{.Low}} {{.Y}}H{{.High}}M{{.Low}} {{.Upper}}V{{.Lower}}M{{.High}} {{.Upper}}V{{.Lower}}"/><path class="whisker" d="M{{.Low}} {{.Y}}H{{.High}}M{{.Low}} {{.Upper}}V{{.Lower}}M{{.High}} {{.Upper}}V{{.Lower}}"/>{{end}}{{if .Note}}<text class="soft" x="{{.NoteX}}" y="{{.TextY}}" font-style="italic">{{.Note}}</text>{{else}}<text x="{{.ValueX}}" y="{{.TextY}}" text-anchor="end">{{.Value}}</text>{{end}}
{{end}}<line class="axis" x1="{{.Left}}" y1="{{.Top}}" x2="{{.Left}}" y2="{{.Bottom}}"/>
<text x="{{.Center}}" y="{{.UnitY}}" text-anchor="middle">{{.Unit}}</text>
</svg>
</figure>
{{end}}{{end}}</div>
{{range .Tables}}{{$head := .Head}}<div class="figures">
<h3>{{.Title}}</h3>
<table>
<thead><tr>{{range .Head}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr><th scope="row">{{.Name}}</th>{{if .Note}}<td class="note" colspan="{{rest $head}}">refused: {{.Note}}</td>{{else}}{{range list $head .}}<td data-label="{{.Label}}">{{if .Value}}<data value="{{exact .Value}}">{{.Text}}</data>{{else}}{{.Text}}{{end}}</td>{{end}}{{end}}</tr>
{{end}}</tbody>
</table>
</div>
{{end}}{{end}}
<h2>How to read this</h2>
<div class="notes">
{{range .Notes}}<p>{{.}}</p>
{{end}}</div>
</body>
</html>
`
