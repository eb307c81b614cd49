#!/usr/bin/env python3
"""Writes a mail log of a big site: for timing `postern report`, and for its memory.

    bench/maillog.py 1700 >mail.log                   so many megabytes, a day of 3 million connections from 300,000 addresses
    bench/maillog.py --addresses 10000000 2500 >many.log    every connection from another address

Two of five connections pass and go on to smtpd, which takes a mail of every second one; the others talk early, hang up, or
are on DNS lists. The same arguments give the same log.
"""
import argparse
import datetime
import random
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('megabytes', type=int)
parser.add_argument('--addresses', type=int, default=300_000)
arguments = parser.parse_args()

rng = random.Random(1)
size, wanted = 0, arguments.megabytes * 1_000_000
out = sys.stdout
start = datetime.datetime(2026, 11, 23)
connection = 0
mail = 0
DAY = 86400
rate = wanted / 560 / DAY  # connections a second: some 560 bytes each
second = 0

def address(i):
    i = i * 2654435761 % 4294967296 if arguments.addresses > 1_000_000 else i * 1640531 % 16777216
    return f'{1 + (i >> 24) % 223}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}'

later = {}
while size < wanted:
    now = start + datetime.timedelta(seconds=second)
    stamp = now.strftime('%b %e %H:%M:%S')
    lines = later.pop(second, [])
    for _ in range(int(rate) + (rng.random() < rate % 1)):
        connection += 1
        ip = address(connection if arguments.addresses > 1_000_000 else rng.randrange(arguments.addresses))
        port = 1024 + connection % 64000
        client = f'[{ip}]:{port}'
        lines.append(f'postscreen[1101]: CONNECT from {client} to [198.51.100.25]:25')
        kind = rng.random()
        if kind < .25:
            lines.append(f'postscreen[1101]: PREGREET {rng.randrange(10, 30)} after {rng.random() * 5:.2f} from {client}: EHLO host{connection}.bot.example\\r\\n')
            lines.append(f'postscreen[1101]: NOQUEUE: reject: RCPT from {client}: 550 5.5.1 Protocol error; from=<sender{connection}@bot.example>, to=<user{rng.randrange(3000)}@site.example>, proto=ESMTP, helo=<host{connection}.bot.example>')
            lines.append(f'postscreen[1101]: DISCONNECT {client}')
        elif kind < .4:
            wait = rng.randrange(1, 6)
            later.setdefault(second + wait, []).extend([f'postscreen[1101]: HANGUP after {wait}.{rng.randrange(10)} from {client} in tests before SMTP handshake', f'postscreen[1101]: DISCONNECT {client}'])
        elif kind < .6:
            lines.append(f'dnsblog[{1200 + connection % 20}]: addr {ip} listed by domain zen.dnsbl.example as 127.0.0.4')
            later.setdefault(second + 6, []).append(f'postscreen[1101]: DNSBL rank 3 for {client}')
            later.setdefault(second + 7, []).extend([
                f'postscreen[1101]: NOQUEUE: reject: RCPT from {client}: 550 5.7.1 Service unavailable; client [{ip}] blocked using zen.dnsbl.example; from=<sender{connection}@bot.example>, to=<user{rng.randrange(3000)}@site.example>, proto=ESMTP, helo=<host{connection}.bot.example>',
                f'postscreen[1101]: DISCONNECT {client}'])
        else:
            wait = 6 if kind < .75 else 0
            server = 2000 + connection % 1500
            name = f'mail{connection % 997}.example.net[{ip}]'
            answer = later.setdefault(second + wait, []) if wait else lines
            answer.append(f'postscreen[1101]: PASS {"NEW" if wait else "OLD"} {client}')
            answer.append(f'smtpd[{server}]: connect from {name}')
            if kind < .87:
                mail += 1
                queue_id = f'4F{mail:08X}'
                later.setdefault(second + wait + 1, []).extend([
                    f'smtpd[{server}]: {queue_id}: client={name}', f'cleanup[1300]: {queue_id}: message-id=<{mail}.{connection}@mail.example.net>',
                    f'qmgr[1301]: {queue_id}: from=<sender{connection}@example.net>, size={rng.randrange(1000, 90000)}, nrcpt=1 (queue active)',
                    f'local[{1310 + mail % 9}]: {queue_id}: to=<user{rng.randrange(3000)}@site.example>, relay=local, delay=0.21, delays=0.1/0.01/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)',
                    f'qmgr[1301]: {queue_id}: removed', f'smtpd[{server}]: disconnect from {name} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7'])
            else:
                later.setdefault(second + wait + 1, []).extend([
                    f'smtpd[{server}]: NOQUEUE: reject: RCPT from {name}: 550 5.1.1 <nobody{connection}@site.example>: Recipient address rejected: User unknown in virtual mailbox table; from=<sender@example.net> to=<nobody{connection}@site.example> proto=ESMTP helo=<mail.example.net>',
                    f'smtpd[{server}]: disconnect from {name} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4'])
    text = ''.join([f'{stamp} mx postfix/{line}\n' for line in lines])
    out.write(text)
    size += len(text)
    second += 1
