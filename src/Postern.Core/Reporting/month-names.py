#!/usr/bin/env python3
"""Writes MonthNames.txt from the sources of glibc's locales (Debian's package locales: /usr/share/i18n/locales).

journalctl -o short prints strftime(3)'s "%b %d %H:%M:%S", so the month is in the language of whoever ran it. A line a
month, January first; in it every name that a locale has for it: abmon, mon, ab_alt_mon, alt_mon of LC_TIME.

    src/Postern.Core/Reporting/month-names.py >src/Postern.Core/Reporting/MonthNames.txt
"""
import os
import re

FOLDER = '/usr/share/i18n/locales'


def names(locale):
    """The names of a locale, by keyword: twelve each."""
    with open(os.path.join(FOLDER, locale), encoding='utf-8') as file:
        text = file.read()
    comment = re.search(r'^comment_char\s+(\S)', text, re.M)
    escape = re.search(r'^escape_char\s+(\S)', text, re.M)
    section = re.search(r'^LC_TIME\s*$(.*?)^END LC_TIME', text, re.M | re.S)
    if not section:
        return {}
    body = '\n'.join(line for line in section.group(1).split('\n') if not line.lstrip().startswith(comment.group(1) if comment else '#'))
    body = re.sub(re.escape(escape.group(1) if escape else '\\') + r'\s*\n\s*', '', body)
    copied = re.search(r'^\s*copy\s+"([^"]+)"', body, re.M)
    if copied:
        return names(copied.group(1))
    found = {}
    for keyword in ('abmon', 'mon', 'ab_alt_mon', 'alt_mon'):
        values = re.search(r'^\s*' + keyword + r'\s+(.*)$', body, re.M)
        if values:
            found[keyword] = [re.sub('<U([0-9A-Fa-f]+)>', lambda code: chr(int(code.group(1), 16)), name) for name in re.findall('"([^"]*)"', values.group(1))]
    return found


months = [set() for _ in range(12)]
for locale in sorted(os.listdir(FOLDER)):
    if not os.path.isfile(os.path.join(FOLDER, locale)):
        continue
    for twelve in names(locale).values():
        for month, name in zip(months, twelve, strict=True):
            month.add(name.strip())
for month in months:
    print('\t'.join(sorted(month)))
