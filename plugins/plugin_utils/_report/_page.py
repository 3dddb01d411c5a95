# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template of the HTML report and its style. Private: names and behaviour may change.

Every value is escaped by Jinja; C(safe) is only the style and the pictures, which are of our own making.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --back: #ffffff; --panel: #f6f8fa; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0;
  --pass: #116329; --fail: #cf222e; --inconclusive: #7d4e00; --error: #8250df; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --panel: #151b23; --ink: #e6edf3; --soft: #9198a1; --line: #3d444d;
    --pass: #56d364; --fail: #ff7b72; --inconclusive: #e3b341; --error: #d2a8ff; --on: #0d1117;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--back); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; display: flex; flex-wrap: wrap; gap: .5rem .75rem; }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; }
p { margin: 0 0 .5rem; }
.msg { font-size: 1.125rem; }
.soft { color: var(--soft); font-size: .875rem; }
.badge { background: var(--verdict); color: var(--on); border-radius: .375rem; padding: 0 .6rem; white-space: nowrap; }
.pass { --verdict: var(--pass); } .fail { --verdict: var(--fail); } .error { --verdict: var(--error); }
.inconclusive { --verdict: var(--inconclusive); } .undecided { --verdict: var(--soft); }
.verdict { color: var(--verdict); font-weight: 600; white-space: nowrap; }
figure { margin: 1.5rem 0 0; border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { padding: .25rem .5rem; }
.narrow { display: none; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-size: .875rem; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
.number { text-align: right; }
.number, .decided { white-space: nowrap; }
ul { margin: 0; padding-left: 1.25rem; }
li + li { margin-top: .25rem; }
.policy { width: auto; min-width: 50%; }
.policy th { font-weight: 400; white-space: nowrap; }
@media (max-width: 40rem) {
  .wide { display: none; }
  .narrow { display: block; }
  .tags thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .tags tr { display: block; border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; margin: 0 0 .75rem; }
  .tags th, .tags td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .15rem .25rem; }
  .tags td::before { content: attr(data-label); color: var(--soft); }
  .number, .decided, .verdict { white-space: normal; }
}
"""

TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Campaign gate: {{ gate.verdict }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<main>
<h1>Campaign gate <span class="badge {{ gate.verdict }}">{{ gate.verdict_text }}</span></h1>
<p class="msg">{{ summary }}</p>
<p class="soft">{{ gate.effort }}</p>
<figure>
<div class="wide">{{ wide | safe }}</div>
<div class="narrow">{{ narrow | safe }}</div>
<figcaption class="soft">
{% if not drawn %}
{{ nothing_drawn }}
{% else %}
The share of messages delivered at each look\
{% if drawn < gate.tags | length %}, of {{ drawn }} of {{ gate.tags | length }} tags{% endif %}.
{% if gate.history_dropped %}
{{ gate.dropped_text }}
{% endif %}
{% if gate.tags | selectattr("carried_over") | list %}
A dotted line is what is delivered at least, since mail from before may be among the deliveries.
{% endif %}
{% endif %}
</figcaption>
</figure>
{% if gate.tags %}
<h2 id="tags">Tags</h2>
<table class="tags" role="table" aria-labelledby="tags">
<thead role="rowgroup">
<tr role="row">
<th scope="col" role="columnheader">Tag</th>
<th scope="col" role="columnheader">Verdict</th>
<th scope="col" role="columnheader" class="number">Messages</th>
<th scope="col" role="columnheader" class="number">Delivered</th>
<th scope="col" role="columnheader" class="number">Ratio</th>
<th scope="col" role="columnheader" class="number">Required</th>
<th scope="col" role="columnheader">Decided by</th>
</tr>
</thead>
<tbody role="rowgroup">
{% for tag in tags %}
<tr role="row">
<th scope="row" role="rowheader">{{ tag.tag }}</th>
<td role="cell" data-label="Verdict"><span class="verdict {{ tag.verdict or 'undecided' }}">\
{{ tag.verdict_text }}</span></td>
<td role="cell" data-label="Messages" class="number">{{ tag.messages_text }}</td>
<td role="cell" data-label="Delivered" class="number">{{ tag.delivered_text }}</td>
<td role="cell" data-label="Ratio" class="number">{{ tag.ratio_text }}</td>
<td role="cell" data-label="Required" class="number">{{ tag.required_text }}</td>
<td role="cell" data-label="Decided by" class="decided">{{ tag.decided_text }}</td>
</tr>
{% endfor %}
</tbody>
</table>
{% if tags_left_out %}
<p class="soft">{{ tags_left_out }}</p>
{% endif %}
{% endif %}
{% for heading, sentences, left_out in sections if sentences %}
<h2>{{ heading }}</h2>
<ul>
{% for sentence in sentences %}
<li>{{ sentence }}</li>
{% endfor %}
</ul>
{% if left_out %}
<p class="soft">{{ left_out }}</p>
{% endif %}
{% endfor %}
{% if gate.policy %}
<h2 id="policy">Policy</h2>
<table class="policy" aria-labelledby="policy">
<tbody>
{% for name, value in gate.policy %}
<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</main>
</body>
</html>
"""
