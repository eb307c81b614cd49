'use strict';

// Everything that clients have said is shown as text (textContent), never as markup.
const $ = id => document.getElementById(id);
const count = new Intl.NumberFormat('en');
const words = name => name.replaceAll('_', ' ');

function seconds(milliseconds) {
  const value = Math.max(0, milliseconds / 1000);
  return value < 100 ? `${value.toFixed(1)} s` : `${count.format(Math.round(value))} s`;
}

function fill(table, rows, none) {
  const labels = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
  table.tBodies[0].replaceChildren(...rows.map(cells => {
    const row = document.createElement('tr');
    cells.forEach((content, index) => {
      const cell = row.insertCell();
      if (content instanceof Node) cell.append(content);
      else cell.textContent = content ?? '';
      cell.dataset.label = labels[index];
      cell.className = table.tHead.rows[0].cells[index].className;
    });
    return row;
  }));
  if (rows.length === 0) {
    const cell = table.tBodies[0].insertRow().insertCell();
    cell.colSpan = labels.length;
    cell.className = 'empty';
    cell.textContent = none;
  }
}

function tile(name, value) {
  const box = document.createElement('div');
  const term = document.createElement('dt');
  const text = document.createElement('dd');
  term.textContent = name;
  text.textContent = value;
  box.append(term, text);
  return box;
}

function bar(value, most) {
  const meter = document.createElement('meter');
  meter.max = Math.max(1, most);
  meter.value = value;
  return meter;
}

let before = null;

function showNow(now) {
  if (now.problem) return showState(now.problem, true);
  const { figures, clients } = now;
  const rate = before && before.started === figures.started && figures.time > before.time
    ? (figures.connections - before.connections) / (figures.time - before.time) * 1000
    : figures.connections / Math.max(1, figures.time - figures.started) * 1000;
  before = figures;
  showState(figures.stress ? 'stress mode' : 'live', figures.stress);
  $('figures').replaceChildren(
    tile('connections a second', rate.toFixed(1)),
    tile('held now', count.format(figures.held)),
    tile('in slow lanes', count.format(figures.lanes.standing)),
    tile('stopped', count.format(figures.outcomes.stopped)),
    tile('told to come back', count.format(figures.outcomes.told_to_come_back)),
    tile('to the mail server', count.format(figures.outcomes.handed_off)),
    tile('of these, known', count.format(figures.let_in_by.known)));
  $('counted-since').textContent = new Date(figures.counted_since).toLocaleString();
  const reasons = Object.entries(figures.stopped_by).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  fill($('reasons'), reasons.map(([name, value]) => [words(name), count.format(value), bar(value, reasons[0][1])]), 'Nobody was stopped yet.');
  fill($('lists'), figures.dns_lists.map(list => [
    list.name, count.format(list.listed), count.format(list.not_listed), count.format(list.failed + list.timed_out),
    list.mean_ms === undefined ? '' : `${list.mean_ms} ms`, list.well ? 'well' : 'left out: it is out of order']), 'No DNS list is asked.');
  fill($('clients'), clients.map(client => [
    client.address ? `[${client.address}]:${client.port}` : 'behind a proxy', words(client.waits_for),
    client.since === undefined ? '' : seconds(figures.time - client.since), client.until === undefined ? '' : seconds(client.until - figures.time), client.class]), 'Nobody.');
}

function showState(text, isBad) {
  if ($('state').textContent !== text) $('state').textContent = text;
  $('state').classList.toggle('bad', Boolean(isBad));
}

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

async function showRefusals() {
  const query = $('q').value.trim();
  const answer = await ask('/api/refusals?q=' + encodeURIComponent(query)).catch(error => ({ problem: error.message }));
  const refusals = answer.refusals ?? [];
  $('found').textContent = answer.problem ?? `${count.format(refusals.length)} ${query ? 'found' : 'shown'}`;
  fill($('refused'), refusals.map(one => [
    new Date(one.time).toLocaleString(), one.client.address, (one.reasons ?? []).map(words).join(', ') || 'left', one.helo,
    one.sender === '' ? '<>' : one.sender, (one.recipients ?? []).join(', '), one.reply]), 'None.');
}

let parameters = [];

async function showConfiguration() {
  const answer = await ask('/api/configuration').catch(error => ({ problem: error.message }));
  parameters = answer.parameters ?? [];
  showParameters();
}

function showParameters() {
  fill($('parameters'), parameters.filter(one => one.origin || !$('only-set').checked).map(one => [one.name, one.value, one.origin ?? 'default']), 'None.');
}

function showView() {
  const name = ['refusals', 'configuration'].includes(location.hash.slice(1)) ? location.hash.slice(1) : 'now';
  for (const section of document.querySelectorAll('main > section')) section.hidden = section.id !== name;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === '#' + name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (name === 'refusals') showRefusals();
  if (name === 'configuration') showConfiguration();
}

addEventListener('hashchange', showView);
$('search').addEventListener('submit', event => { event.preventDefault(); showRefusals(); });
$('only-set').addEventListener('change', showParameters);
const live = new EventSource('/live');
live.onmessage = event => showNow(JSON.parse(event.data));
live.onerror = () => showState('the daemon does not answer; it is asked again', true);
showView();
