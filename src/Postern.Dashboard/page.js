'use strict';

// Everything that clients have said is shown as text (textContent), never as markup.
const $ = id => document.getElementById(id);
const count = new Intl.NumberFormat('en');
const words = name => name.replaceAll('_', ' ');
const when = time => new Date(time).toLocaleString();
const share = (part, whole) => whole ? `${(100 * part / whole).toFixed(1)} %` : '';

const reason = name => reasonWords[name] ?? words(name);
const waitWords = { silence: 'the greet wait', dns_lists: 'DNS lists', lane: 'a slow lane', command: 'its next command', server: 'the mail server', relayed: 'with the mail server', proxy: 'a proxy header', allowlist: 'the allowlist', table: 'a lookup table' };

function seconds(milliseconds) {
  const value = Math.max(0, milliseconds / 1000);
  return value < 100 ? `${value.toFixed(1)} s` : `${count.format(Math.round(value))} s`;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function fill(table, rows, none) {
  const heads = [...table.tHead.rows[0].cells];
  table.tBodies[0].replaceChildren(...rows.map(cells => {
    const row = element('tr');
    cells.forEach((content, index) => {
      const cell = row.insertCell();
      if (content instanceof Node) cell.append(content);
      else cell.textContent = content ?? '';
      cell.dataset.label = heads[index].textContent;
      cell.className = heads[index].className;
    });
    return row;
  }));
  if (rows.length === 0) table.tBodies[0].append(element('tr', {}, element('td', { colSpan: heads.length, className: 'empty', textContent: none })));
}

const bar = (value, most) => element('meter', { max: Math.max(1, most), value, ariaHidden: 'true' });
const bars = (table, rows, none) => fill(table, rows.map(([name, value]) => [name, count.format(value), bar(value, Math.max(...rows.map(row => row[1])))]), none);

// Charts take their colours from the style sheet, so they are drawn anew when light becomes dark.
const charts = new Map();
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// With the day where it is midnight, or where the marks are days apart.
const clockTimes = (_, times, __, ___, step) => times.map(time => {
  const at = new Date(time * 1000);
  return step >= 86400 || (step >= 3600 && at.getHours() === 0)
    ? at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    : at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: step < 60 ? '2-digit' : undefined, hourCycle: 'h23' });
});

function draw(id, series, data, options = {}) {
  const box = $(id);
  if (box.closest('[hidden]')) return;
  const known = charts.get(id);
  const labels = series.map(one => one.label).join();
  if (known && known.labels === labels) {
    known.data = data;
    known.plot.setData(data);
    return;
  }
  known?.plot.destroy();
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font: '12px system-ui, sans-serif' };
  const plot = new uPlot({
    width: Math.max(200, box.clientWidth - 16), height: 240, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: options.isTime ?? true }, y: { range: (_, low, high) => [0, Math.max(1, high ?? 0)] } },
    axes: [{ ...axis, space: 70, values: options.x ?? clockTimes }, { ...axis, size: 56 }],
    series: [{ label: options.label ?? 'time', value: options.value ?? ((_, time) => time == null ? '' : when(time * 1000)) }, ...series.map(one => ({ points: { show: false }, width: 2, ...one, stroke: colour(one.colour), fill: one.isFilled ? colour(one.colour) + '33' : undefined }))],
  }, data, box);
  charts.set(id, { plot, labels, data, again: () => draw(id, series, charts.get(id)?.data ?? data, options) });
}

function redraw() {
  const all = [...charts.values()];
  for (const one of all) one.labels = null;
  for (const one of all) one.again();
}

addEventListener('resize', () => { for (const [id, { plot }] of charts) if ($(id).clientWidth) plot.setSize({ width: Math.max(200, $(id).clientWidth - 16), height: 240 }); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

function showState(text, isBad) {
  if ($('state').textContent !== text) $('state').textContent = text;
  $('state').classList.toggle('bad', Boolean(isBad));
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  return answer.headers.get('Content-Type')?.startsWith('application/json') ? answer.json() : { problem: `${answer.status} ${await answer.text()}` };
}

const asked = (path, options) => ask(path, options).catch(error => ({ problem: error.message }));

// Now

const spark = [[], [], [], []]; // time in seconds, connections, stopped, handed off a second
let before = null;

function showNow(now) {
  if (now.problem) return showState(now.problem, true);
  const { figures, clients } = now;
  const { outcomes, lanes } = figures;
  const isSame = before && before.started === figures.started && before.counted_since === figures.counted_since && figures.time > before.time;
  const rate = (after, earlier) => (after - earlier) / (figures.time - before.time) * 1000;
  if (isSame) {
    [figures.time / 1000, rate(figures.connections, before.connections), rate(outcomes.stopped, before.outcomes.stopped), rate(outcomes.handed_off, before.outcomes.handed_off)]
      .forEach((value, index) => { spark[index].push(value); if (spark[index].length > 300) spark[index].shift(); });
  }
  const perSecond = isSame ? spark[1].at(-1) : figures.connections / Math.max(1, figures.time - figures.started) * 1000;
  before = figures;
  showState(figures.stress ? 'live, in stress mode' : 'live', figures.stress);
  const ended = outcomes.stopped + outcomes.told_to_come_back + outcomes.handed_off;
  $('figures').replaceChildren(...[
    ['connections a second', perSecond.toFixed(1)], ['held now', count.format(figures.held)], ['in slow lanes', count.format(lanes.standing)],
    ['stopped', count.format(outcomes.stopped)], ['handed to the mail server', count.format(outcomes.handed_off)], ['of these, known', count.format(figures.let_in_by.known)],
    ['remembered', count.format(figures.allowlists.reduce((sum, list) => sum + list.records, 0))], ['load taken off', share(outcomes.stopped + outcomes.told_to_come_back, ended) || '–'],
  ].map(([name, value]) => element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value }))));
  draw('rates', [
    { label: 'connections', colour: '--accent', isFilled: true }, { label: 'stopped', colour: '--second' }, { label: 'handed off', colour: '--third' },
  ].map(one => ({ ...one, value: (_, value) => value == null ? '' : value.toFixed(1) })), spark);
  $('counted-since').textContent = when(figures.counted_since);
  $('version').textContent = `Postern ${figures.version}, running since ${when(figures.started)}`;
  fill($('outcomes'), [['stopped by screening', outcomes.stopped], ['told to come back (450)', outcomes.told_to_come_back], ['handed to the mail server', outcomes.handed_off],
    ...outcomes.not_taken ? [['the mail server did not take them', outcomes.not_taken]] : []]
    .map(([name, value]) => [name, count.format(value), share(value, ended)]), '');
  bars($('reasons'), Object.entries(figures.stopped_by).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).map(([name, value]) => [reason(name), value]), 'Nobody was stopped yet.');
  fill($('clients'), clients.map(client => [
    client.address ? `[${client.address}]:${client.port}` : 'behind a proxy', waitWords[client.waits_for] ?? words(client.waits_for),
    client.since === undefined ? '' : seconds(figures.time - client.since), client.until === undefined ? '' : seconds(client.until - figures.time), client.class,
    client.dnsbl_score === undefined ? '' : client.dnsbl_pending ? `${client.dnsbl_score}, ${client.dnsbl_pending} not in` : client.dnsbl_score]), 'Nobody.');
  fill($('lists'), figures.dns_lists.toSorted((a, b) => a.well - b.well).map(list => [
    list.name, list.well ? 'well' : element('span', { className: 'bad', textContent: list.problem === 'unchecked' && !list.trouble ? 'not checked yet: it does not count' : list.trouble }),
    count.format(list.listed), count.format(list.not_listed), count.format(list.failed + list.timed_out), list.mean_ms === undefined ? '' : `${list.mean_ms} ms`]), 'No DNS list is asked.');
  const classes = Object.entries(lanes.classes).filter(([, lane]) => lane.class > 0);
  $('lanes-box').hidden = classes.length === 0;
  fill($('lanes'), classes.map(([name, lane]) => [name, lane.class, lane.enter, lane.hangup + lane.quit, lane.pregreet, lane.waited].map((value, index) => index ? count.format(value) : value)), '');
  $('relays-box').hidden = figures.relays.length === 0;
  fill($('relays'), figures.relays.map(relay => [relay.target, relay.well ? 'well' : element('span', { className: 'bad', textContent: 'out' }), count.format(relay.sessions), count.format(relay.auth_failures)]), '');
}

// Report

const histogram = ({ buckets }) => {
  const used = buckets.map((one, index) => one.count > 0 ? index : -1).filter(index => index >= 0);
  return used.length === 0 ? [] : buckets.slice(used[0], used.at(-1) + 1).map(one => [one.up_to === null ? 'longer' : `${one.up_to} s`, one.count]);
};

// The curves have steps at times of their own; a chart has one row of times for all.
function curveData(classes) {
  const times = [...new Set(classes.flatMap(one => one.points.map(point => point.seconds)))].sort((a, b) => a - b);
  return [[0, ...times], ...classes.map(({ points }) => {
    let next = 0, value = 100;
    const last = points.at(-1)?.seconds ?? 0;
    return [100, ...times.map(time => {
      while (next < points.length && points[next].seconds <= time) value = 100 * points[next++].remaining;
      return time > last ? null : value;
    })];
  })];
}

async function showReport() {
  const days = document.querySelector('input[name=days]:checked').value;
  $('summary').textContent = 'reading the logs …';
  const answer = await asked('/api/report?days=' + days);
  if (answer.problem) {
    $('summary').textContent = answer.problem;
    return;
  }
  const { report, read } = answer;
  const isOfEvents = report.mails_delivered === undefined;
  $('summary').textContent = report.connections === 0
    ? 'Nothing of these days is in the logs.'
    : (report.load_taken_off == null
      ? `${count.format(report.connections)} connections; of none it is known that screening kept it from the mail server, or let it through.`
      : `${(report.load_taken_off * 100).toFixed(1)} % of ${count.format(report.connections)} connections never reached the mail server.`)
      + report.outages.map(one => ` From ${one.first.replace('T', ' ')} to ${one.last.replace('T', ' ')} it did not take ${count.format(one.clients)} clients: ${one.problem}.`).join('')
      + (report.unreadable_screening_lines ? ` ${count.format(report.unreadable_screening_lines)} lines of screening cannot be read, such as: ${report.unreadable_example}` : '');
  $('report-body').hidden = false;
  bars($('totals'), [
    ['stopped by screening', report.stopped], ['told to come back (450)', report.told_to_come_back],
    ...report.not_taken ? [['the mail server did not take them', report.not_taken]] : [],
    ['handed off to the mail server', report.handed_off],
    ...isOfEvents ? []
      : [['of these: rejected by smtpd', report.server_sessions_rejected], ['left smtpd without a mail', report.server_sessions_idle], ['brought mail to smtpd', report.server_sessions_with_mail], ['mails delivered', report.mails_delivered]],
    ...report.unfinished ? [['not ended yet', report.unfinished]] : [],
  ], '');
  const most = report.causes[0]?.connections;
  fill($('causes'), report.causes.map(cause => [reason(cause.cause), count.format(cause.connections), count.format(cause.only), bar(cause.connections, most)]), 'Nobody was stopped.');
  const hours = report.hours.map(hour => [Date.parse(hour.hour) / 1000, hour.stopped, hour.handed_off]);
  draw('hours', [{ label: 'stopped', colour: '--second', isFilled: true, paths: uPlot.paths.stepped({ align: 1 }) }, { label: 'handed off', colour: '--accent', isFilled: true, paths: uPlot.paths.stepped({ align: 1 }) }],
    [0, 1, 2].map(index => hours.map(hour => hour[index])));
  fill($('hours-table'), report.hours.map(hour => [hour.hour.replace('T', ' ').slice(0, 16), count.format(hour.stopped), count.format(hour.handed_off)]), '');
  bars($('early'), histogram(report.early_talk), 'Nobody.');
  bars($('hangups'), histogram(report.hang_ups), 'Nobody.');
  bars($('networks'), report.networks.map(one => [one.name, one.count]), 'Nowhere.');
  bars($('listings'), report.lists.map(one => [one.name, one.count]), 'Nobody was on one.');
  const classes = report.break_off.filter(one => one.points.length > 0);
  $('curve-box').hidden = classes.length === 0;
  const colours = ['--accent', '--second', '--third', '--bad', '--soft'];
  if (classes.length > 0)
    draw('curve', classes.map((one, index) => ({ label: one.class, colour: colours[index % colours.length], paths: uPlot.paths.stepped({ align: 1 }), value: (_, value) => value == null ? '' : `${value.toFixed(0)} %` })),
      curveData(classes), { isTime: false, label: 'seconds', x: (_, values) => values.map(value => `${value} s`), value: (_, value) => value == null ? '' : `${value} s` });
  $('sources').textContent = (isOfEvents ? 'What the mail server did with its part is in the mail log, which is not among what was read. ' : '')
    + 'Read: ' + (read.map(file => file.problem ? `${file.path} (${file.problem})` : file.path).join(', ') || 'nothing: set postern_event_log') + '.';
}

// Refusals

async function showRefusals() {
  const query = $('q').value.trim();
  const answer = await asked('/api/refusals?q=' + encodeURIComponent(query));
  const refusals = answer.refusals ?? [];
  $('found').textContent = answer.problem ?? `${count.format(refusals.length)} ${query ? 'found' : 'shown'}`;
  fill($('refused'), refusals.map(one => [
    when(one.time), one.client.address, (one.reasons ?? []).map(reason).join(', ') || 'left', one.helo,
    one.sender === '' ? '<>' : one.sender, (one.recipients ?? []).join(', '), one.reply, acts(one.client.address, ['allow', 'deny'])]), query ? 'None.' : 'Nobody was refused yet.');
}

// Access

const tokenKey = 'postern-token';
const actionWords = { allow: 'Allow', deny: 'Deny', forget: 'Forget', remove: 'Remove' };
const doneWords = { allow: 'is allowed from now on', deny: 'is denied from now on', forget: 'will be tested again', remove: 'is neither allowed nor denied any more' };

function acts(network, actions) {
  if (!sessionStorage.getItem(tokenKey)) return '';
  const all = element('span');
  for (const action of actions) {
    const button = element('button', { type: 'button', className: 'plain', textContent: actionWords[action], ariaLabel: `${actionWords[action]} ${network}` });
    button.addEventListener('click', () => change(action, network));
    all.append(button);
  }
  return all;
}

async function change(action, network) {
  const answer = await post({ action, network });
  const text = answer.problem ?? `${answer.done} ${doneWords[action]}.`;
  showAccess(text);
  if (!$('refusals-view').hidden) $('found').textContent = text;
  return !answer.problem;
}

const post = body => asked('/api/access', { method: 'POST', headers: { Authorization: 'Bearer ' + sessionStorage.getItem(tokenKey), 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

async function signIn(token) {
  sessionStorage.setItem(tokenKey, token);
  const answer = await post({ action: 'check' });
  if (answer.problem) sessionStorage.removeItem(tokenKey);
  showAccess(answer.problem ?? `Hello ${answer.done}.`);
}

async function showAccess(text) {
  const answer = await asked('/api/access');
  const isSignedIn = Boolean(sessionStorage.getItem(tokenKey));
  const mayChange = Boolean(answer.may_change);
  $('access-note').textContent = answer.problem ?? (mayChange ? `Written to ${answer.file}, which postscreen_access_list has to name.` : 'Nobody may change anything here: set postern_http_token_file.');
  $('sign-in').hidden = isSignedIn || !mayChange;
  $('decide').hidden = !isSignedIn;
  if (text !== undefined) $('decided').textContent = text;
  fill($('entries'), (answer.entries ?? []).map(entry => [entry.network, entry.allowed ? 'allowed' : 'denied', entry.when ? when(entry.when) : '', entry.who, acts(entry.network, ['remove'])]), 'Nobody was allowed or denied here.');
}

$('sign-in').addEventListener('submit', event => { event.preventDefault(); signIn($('token').value.trim()); $('token').value = ''; });
$('decide').addEventListener('submit', async event => { event.preventDefault(); if (await change(event.submitter?.value ?? 'allow', $('network').value.trim())) $('network').value = ''; });
$('sign-out').addEventListener('click', () => { sessionStorage.removeItem(tokenKey); showAccess('Signed out.'); });

// Configuration

let parameters = [];

async function showConfiguration() {
  const answer = await asked('/api/configuration');
  parameters = answer.parameters ?? [];
  showParameters();
}

function showParameters() {
  const name = $('name').value.trim().toLowerCase();
  fill($('parameters'), parameters.filter(one => (one.origin || !$('only-set').checked) && one.name.includes(name)).map(one => [one.name, one.value, one.origin ?? 'default']), 'None.');
}

$('filter').addEventListener('submit', event => event.preventDefault());
$('name').addEventListener('input', showParameters);
$('only-set').addEventListener('change', showParameters);
$('search').addEventListener('submit', event => { event.preventDefault(); showRefusals(); });
$('days').addEventListener('change', showReport);

// Views

const views = { now: redraw, report: showReport, refusals: showRefusals, access: () => showAccess(), configuration: showConfiguration };

function showView() {
  const asked = location.hash.slice(1);
  if (asked === 'main') return; // a way to the content, whichever it is
  const name = asked in views ? asked : 'now';
  for (const section of document.querySelectorAll('main > section')) section.hidden = section.id !== name + '-view';
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === '#' + name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${$(name + '-title').textContent} – Postern`;
  views[name]();
}

addEventListener('hashchange', showView);
const live = new EventSource('/live');
let isTold = false; // why there is nothing, so that the end of the connection needs no words
live.onmessage = event => {
  const now = JSON.parse(event.data);
  isTold = Boolean(now.problem);
  showNow(now);
};
live.onerror = () => { if (!isTold) showState('the daemon does not answer; it is asked again', true); isTold = false; };
showView();
