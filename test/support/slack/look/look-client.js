/** The page of the local Slack: shows what the server draws, and sends what is pressed, picked and typed. */
const state = { user: 'ada', channel: 'alerts', thread: null, home: false, shown: {} };
const at = (id) => document.getElementById(id);

async function show() {
  const query = new URLSearchParams({ user: state.user, channel: state.channel });
  if (state.thread !== null) query.set('thread', state.thread);
  if (state.home) query.set('home', '1');
  const drawn = await fetch(`/look?${query}`).then((response) => response.json());
  for (const [id, html] of Object.entries(drawn)) {
    if (state.shown[id] === html) continue;
    state.shown[id] = html;
    const list = at(id);
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.innerHTML = html;
    if (isAtEnd && id !== 'modal') list.scrollTop = list.scrollHeight;
  }
  at('thread').hidden = state.thread === null;
  at('shade').hidden = drawn.modal === '';
}

async function send(verb, words, more = {}) {
  const query = new URLSearchParams({ user: state.user, channel: state.channel, page: '1', ...more });
  const response = await fetch(`/${verb}?${query}`, { method: 'POST', body: words });
  at('note').textContent = response.ok ? '' : await response.text();
  await show();
  return response;
}

document.addEventListener('click', async (event) => {
  const target = event.target.closest('[data-press], [data-thread], [data-do]');
  if (target === null) return;
  const { press, confirm: question, thread, do: action } = target.dataset;
  if (press !== undefined) {
    if (question !== undefined && !window.confirm(question)) return;
    const message = target.closest('[data-ts]');
    await send('press', press, message === null ? {} : { ts: message.dataset.ts, channel: message.dataset.channel });
  }
  if (thread !== undefined) state.thread = thread === '' ? null : thread;
  if (action === 'home') {
    state.home = !state.home;
    if (state.home) await send('home', '');
  }
  if (action === 'shortcut') await send('shortcut', '');
  if (action === 'close') await send('close', '');
  await show();
});

document.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.id === 'form') {
    const filled = {};
    for (const input of form.querySelectorAll('[name]'))
      if (input.value !== '' && input.value !== input.dataset.initial) filled[input.name] = input.value;
    const errors = await send('submit', JSON.stringify(filled)).then((response) => response.json().catch(() => ({})));
    for (const place of form.querySelectorAll('[data-error]')) place.textContent = errors[place.dataset.error] ?? '';
    return;
  }
  const input = form.querySelector('input');
  const text = input.value.trim();
  input.value = '';
  if (text === '') return;
  const inThread = form.closest('#thread') !== null ? { thread: state.thread } : {};
  if (text.startsWith('/alb502')) await send('command', text.slice('/alb502'.length).trim());
  else if (text.startsWith('@alb502')) await send('mention', text.slice('@alb502'.length).trim(), inThread);
  else await send('say', text, inThread);
});

for (const id of ['user', 'channel-name'])
  at(id).addEventListener('change', (event) => {
    state[id === 'user' ? 'user' : 'channel'] = event.target.value;
    state.thread = null;
    show();
  });

// Pages are asked for what to show before anything is pressed.
const asked = new URLSearchParams(location.search);
for (const key of ['user', 'channel', 'thread']) if (asked.has(key)) state[key] = asked.get(key);
await show();
setInterval(() => show().catch(() => {}), 1000);
