#!/usr/bin/env bash
# emailjs 5.0.3 (npm): its default time-out for everything is 5 seconds, the greeting included, where RFC 5321 section 4.5.3.2.1 says
# five minutes. A gate that greets after 6 seconds, postscreen's default greet wait, never gets a mail from it, at any number of
# tries. The option is `timeout`, in milliseconds.
set -euo pipefail
work=$(mktemp -d); trap 'cd /; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund emailjs@5.0.3 >/dev/null
cat >try.mjs <<'J'
import net from 'node:net';
import { SMTPClient } from 'emailjs';

const server = net.createServer((socket) => {
    const came = Date.now();
    const say = (text) => socket.write(text + '\r\n');
    socket.on('error', () => {});
    const timer = setTimeout(() => say('220 server.test ESMTP'), 6000);
    socket.on('end', () => { clearTimeout(timer); console.log(`it left after ${Math.round((Date.now() - came) / 1000)} s`); socket.end(); });
    socket.on('data', (data) => {
        const word = data.toString().slice(0, 4).toUpperCase();
        say(word === 'DATA' ? '354 go on' : word === 'QUIT' ? '221 bye' : '250 ok');
    });
}).listen(2593, '127.0.0.1', async () => {
    for (const options of [{}, { timeout: 30000 }]) {
        const client = new SMTPClient({ host: '127.0.0.1', port: 2593, ...options });
        try {
            await client.sendAsync({ from: 'a@client.test', to: 'b@server.test', subject: 'test', text: 'hello' });
            console.log(JSON.stringify(options), 'sent');
        } catch (error) { console.log(JSON.stringify(options), 'not sent:', error.message.split('\n')[0]); }
    }
    setTimeout(() => process.exit(), 500);
});
J
node try.mjs | tee out
grep -q '^it left after 5 s' out && grep -q '^{} not sent' out && grep -q '^{"timeout":30000} sent' out || { echo "changed"; exit 1; }
