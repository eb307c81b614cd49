using CsCheck;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

public sealed class SmtpDialogueTests
{
    private const string Start = "EHLO me.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@ours.example>\r\n";

    private const string TwoMails =
        Start + "DATA\r\nSubject: x\r\n\r\n..dot\r\n.second\r\n.\r\n"
        + "MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<u@OURS.example>\r\nDATA\r\nno header\r\n.\r\nQUIT\r\n";

    [Fact]
    public void A_whole_session_says_and_logs_what_smtpd_would()
    {
        var run = new DialogueRun().Feed(TwoMails).End();

        Assert.Equal(
        [
            "220 mx.ours.example ESMTP Postern",
            "250-mx.ours.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME",
            "250 2.1.0 Ok",
            "250 2.1.5 Ok",
            "354 End data with <CR><LF>.<CR><LF>",
            "250 2.0.0 Ok: queued as 00001",
            "250 2.1.0 Ok",
            "250 2.1.5 Ok",
            "250 2.1.5 Ok",
            "354 End data with <CR><LF>.<CR><LF>",
            "250 2.0.0 Ok: queued as 00002",
            "221 2.0.0 Bye",
        ], run.Replies);
        Assert.Equal(
        [
            "smtpd: connect from unknown[192.0.2.7]",
            "smtpd: 00001: client=unknown[192.0.2.7]",
            $"qmgr: 00001: from=<a@b.example>, size={run.Stored[0].Length}, nrcpt=1 (queue active)",
            "local: 00001: to=<u@ours.example>, relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
            "qmgr: 00001: removed",
            "smtpd: 00002: client=unknown[192.0.2.7]",
            $"qmgr: 00002: from=<>, size={run.Stored[1].Length}, nrcpt=2 (queue active)",
            "local: 00002: to=<Postmaster>, relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
            "local: 00002: to=<u@OURS.example>, relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
            "qmgr: 00002: removed",
            "smtpd: disconnect from unknown[192.0.2.7] ehlo=1 mail=2 rcpt=3 data=2 quit=1 commands=9",
        ], run.LogLines);
        Assert.True(run.IsClosed);
    }

    [Fact]
    public void Files_have_trace_headers_plain_line_ends_and_single_dots()
    {
        var run = new DialogueRun().Feed(TwoMails);

        Assert.Equal(
        [
            "Return-Path: <a@b.example>\nX-Original-To: u@ours.example\nDelivered-To: u@ours.example\n"
            + "Received: from me.example (unknown [192.0.2.7])\n\tby mx.ours.example (Postern) with ESMTP id 00001\n"
            + "\tfor <u@ours.example>; Tue, 24 Nov 2026 04:40:58 +0000 (UTC)\n"
            + "Subject: x\n\n.dot\nsecond\n",
            "Return-Path: <>\nX-Original-To: Postmaster\nDelivered-To: Postmaster\nX-Original-To: u@OURS.example\nDelivered-To: u@OURS.example\n"
            + "Received: from me.example (unknown [192.0.2.7])\n\tby mx.ours.example (Postern) with ESMTP id 00002;\n"
            + "\tTue, 24 Nov 2026 04:40:58 +0000 (UTC)\n"
            + "\nno header\n",
        ], run.Stored);
    }

    [Fact]
    public void Every_piece_size_gives_the_same_session()
    {
        var whole = new DialogueRun().Feed(TwoMails).End();

        for (var piece = 1; piece <= TwoMails.Length; piece++)
        {
            var run = new DialogueRun().Feed(TwoMails, piece).End();
            Assert.Equal(whole.Replies, run.Replies);
            Assert.Equal(whole.LogLines, run.LogLines);
            Assert.Equal(whole.Stored, run.Stored);
        }
    }

    [Fact]
    public void No_input_in_any_pieces_breaks_it_or_changes_what_it_means()
    {
        string[] words =
        [
            Start, "DATA\r\n", "x\r\n", ".\r\n", "\r\n", "\r", "\n", "\0", ".", "..", "RSET\r\n", "EHLO x\r\n", "MAIL FROM:<>\r\n", "From x\r\n",
            "RCPT TO:<u@ours.example>\r\n", "RCPT TO:<u@else.example>\r\n", "MAIL FROM:<a@gone.example>\r\n", "\xff\r\n", "A: b\r\n", "QUIT\r\n",
        ];

        Gen.Select(Gen.Int[0, words.Length - 1].Select(i => words[i]).Array[0, 12], Gen.Int[1, 30]).Sample((parts, piece) =>
        {
            var text = string.Concat(parts);
            var whole = new DialogueRun().Feed(text).End();
            var pieces = new DialogueRun().Feed(text, piece).End();
            Assert.Equal(whole.Replies, pieces.Replies);
            Assert.Equal(whole.LogLines, pieces.LogLines);
            Assert.Equal(whole.Stored, pieces.Stored);
            Assert.All(whole.Stored, file => Assert.DoesNotContain('\r', file));
        });
    }

    [Theory]
    [InlineData("NOOP", "250 2.0.0 Ok")]
    [InlineData("  noop  ", "250 2.0.0 Ok")]
    [InlineData("NOOP x", "250 2.0.0 Ok")]
    [InlineData("RSET", "250 2.0.0 Ok")]
    [InlineData("RSET x", "501 5.5.4 Syntax: RSET")]
    [InlineData("HELO x", "250 mx.ours.example")]
    [InlineData("HELO", "501 Syntax: HELO hostname")]
    [InlineData("EHLO  ", "501 Syntax: EHLO hostname")]
    [InlineData("VRFY", "501 5.5.4 Syntax: VRFY address")]
    [InlineData("VRFY u@ours.example", "252 2.0.0 u@ours.example")]
    [InlineData("EXPN x", "500 5.5.2 Error: command not recognized")]
    [InlineData("", "500 5.5.2 Error: bad syntax")]
    [InlineData("NOOP \xe9", "500 5.5.2 Error: bad UTF-8 syntax")]
    [InlineData("STARTTLS", "502 5.5.1 Error: command not implemented")]
    [InlineData("AUTH PLAIN", "503 5.5.1 Error: authentication not enabled")]
    [InlineData("DATA", "503 5.5.1 Error: need RCPT command")]
    [InlineData("DATA x", "503 5.5.1 Error: need RCPT command")]
    [InlineData("RCPT TO:<x@y>", "503 5.5.1 Error: need MAIL command")]
    [InlineData("MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>")]
    [InlineData("MAIL FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>")]
    [InlineData("MAIL TO:<a@b>", "501 5.5.4 Syntax: MAIL FROM:<address>")]
    [InlineData("MAIL FROM:<>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM: <a@mx.example>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:a@mx.example", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<@x,@y:a@mx.example>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<\"a b\"@mx.example>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<\"a>b\"@mx.example>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@[1.2.3.4]>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@[IPv6:::1]>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@gone.example>", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@b", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a b@mx.example>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@mx.example>SIZE=1", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@-x-.example>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@x..example>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@[bad]>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@1.2.3.4>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@caf\xc3\xa9.example>", "501 5.1.7 Bad sender address syntax")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=10240000", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=10240001", "552 5.3.4 Message size exceeds fixed limit")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=99999999999999999999999999", "552 5.3.4 Message size exceeds fixed limit")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=-1", "501 5.5.4 Bad message size syntax")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=", "501 5.5.4 Bad message size syntax")]
    [InlineData("MAIL FROM:<a@b.example> body=8bitmime  size=10", "250 2.1.0 Ok")]
    [InlineData("MAIL FROM:<a@b.example> BODY=X", "555 5.5.4 Unsupported option: BODY=X")]
    [InlineData("MAIL FROM:<a@b.example> FOO=BAR SIZE=1", "555 5.5.4 Unsupported option: FOO=BAR")]
    [InlineData("QUIT x", "221 2.0.0 Bye")]
    [InlineData("GET / HTTP/1.0", "221 2.7.0 Error: I can break rules, too. Goodbye.")]
    [InlineData("Subject: x", "221 2.7.0 Error: I can break rules, too. Goodbye.")]
    [InlineData("12", "221 2.7.0 Error: I can break rules, too. Goodbye.")]
    public void First_commands(string line, string reply)
    {
        var run = new DialogueRun().Feed(line + "\r\n");

        Assert.Equal(reply, run.Replies[1]);
        Assert.Equal(2, run.Replies.Count);
    }

    [Theory]
    [InlineData("RCPT TO:<u@ours.example>", "250 2.1.5 Ok")]
    [InlineData("RCPT TO:<u@OURS.example.>", "250 2.1.5 Ok")]
    [InlineData("RCPT TO:<@x:u@ours.example>", "250 2.1.5 Ok")]
    [InlineData("RCPT TO:u@ours.example", "250 2.1.5 Ok")]
    [InlineData("RCPT TO:<\"x y\"@ours.example>", "250 2.1.5 Ok")]
    [InlineData("RCPT TO:<PostMaster>", "250 2.1.5 Ok")]
    [InlineData("RCPT", "501 5.5.4 Syntax: RCPT TO:<address>")]
    [InlineData("RCPT TO:<>", "501 5.1.3 Bad recipient address syntax")]
    [InlineData("RCPT TO:<u@ours.example", "501 5.1.3 Bad recipient address syntax")]
    [InlineData("RCPT TO:<u>", "554 5.7.1 <u>: Relay access denied")]
    [InlineData("RCPT TO:<u@else.example>", "554 5.7.1 <u@else.example>: Relay access denied")]
    [InlineData("RCPT TO:<u@x.ours.example>", "554 5.7.1 <u@x.ours.example>: Relay access denied")]
    [InlineData("RCPT TO:<u@[192.0.2.1]>", "554 5.7.1 <u@[192.0.2.1]>: Relay access denied")]
    [InlineData("RCPT TO:<u%else.example@ours.example>", "554 5.7.1 <u%else.example@ours.example>: Relay access denied")]
    [InlineData("RCPT TO:<else.example!u@ours.example>", "554 5.7.1 <else.example!u@ours.example>: Relay access denied")]
    [InlineData("RCPT TO:<u@else.example@ours.example>", "554 5.7.1 <u@else.example@ours.example>: Relay access denied")]
    [InlineData("RCPT TO:<u@ours.example> FOO=BAR", "555 5.5.4 Unsupported option: FOO=BAR")]
    [InlineData("MAIL FROM:<x@y>", "503 5.5.1 Error: nested MAIL command")]
    [InlineData("DATA", "554 5.5.1 Error: no valid recipients")]
    public void Commands_after_MAIL(string line, string reply)
    {
        var run = new DialogueRun().Feed("EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + line + "\r\n");

        Assert.Equal(reply, run.Replies[^1]);
    }

    [Theory]
    [InlineData("gone.example", "550 5.1.8 <a@gone.example>: Sender address rejected: Domain not found")]
    [InlineData("slow.example", "450 4.1.8 <a@slow.example>: Sender address rejected: Domain not found")]
    [InlineData("null.example", "550 5.7.27 <a@null.example>: Sender address rejected: Domain null.example does not accept mail (nullMX)")]
    public void Sender_domains_are_judged_at_each_recipient(string domain, string refusal)
    {
        var run = new DialogueRun().Feed($"EHLO me.example\r\nMAIL FROM:<a@{domain}>\r\nRCPT TO:<u@ours.example>\r\nRCPT TO:<v@ours.example>\r\n").End();

        Assert.Equal(["250 2.1.0 Ok", refusal, refusal], run.Replies.Skip(2));
        Assert.Equal(
            $"smtpd: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: {refusal}; from=<a@{domain}> to=<u@ours.example> proto=ESMTP helo=<me.example>",
            run.LogLines[1]);
        Assert.Equal("smtpd: disconnect from unknown[192.0.2.7] ehlo=1 mail=1 rcpt=0/2 commands=2/4", run.LogLines[^1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a@[192.0.2.1]")]
    [InlineData("a@ours.example")]
    [InlineData("a")]
    public void Senders_without_a_foreign_domain_are_not_looked_up(string sender)
    {
        var run = new DialogueRun { Verdicts = { ["ours.example"] = SenderVerdict.NotFound, ["[192.0.2.1]"] = SenderVerdict.NotFound } };

        run.Feed($"MAIL FROM:<{sender}>\r\nRCPT TO:<u@ours.example>\r\n");

        Assert.Equal("250 2.1.5 Ok", run.Replies[^1]);
    }

    [Fact]
    public void Without_the_check_every_sender_domain_is_taken()
    {
        var run = new DialogueRun(DialogueRun.Options() with { CheckSenderDomain = false });

        run.Feed("MAIL FROM:<a@gone.example>\r\nRCPT TO:<u@ours.example>\r\n");

        Assert.Equal("250 2.1.5 Ok", run.Replies[^1]);
    }

    [Theory]
    [InlineData("a\nb\r\n.\r\n", "bare <LF>")]
    [InlineData("a\n.\nMAIL FROM:<x>\r\n.\r\n", "bare <LF>")]
    [InlineData("a\r\n.\nMAIL FROM:<x>\r\n.\r\n", "bare <LF>")]
    [InlineData("a\n.\r\nMAIL FROM:<x>\r\n.\r\n", "bare <LF>")]
    [InlineData(".\nx\r\n.\r\n", "bare <LF>")]
    [InlineData("a\rb\r\n.\r\n", "bare <CR>")]
    [InlineData("a\r.\rMAIL FROM:<x>\r\n.\r\n", "bare <CR>")]
    [InlineData("a\r\n.\rMAIL FROM:<x>\r\n.\r\n", "bare <CR>")]
    [InlineData("a\r\r\n.\r\n", "bare <CR>")]
    [InlineData("a\r\n.\r\r\n.\r\n", "bare <CR>")]
    [InlineData("a\r\n\r.\r\nMAIL FROM:<x>\r\n.\r\n", "bare <CR>")]
    [InlineData("a\0b\r\n.\r\n", "<NUL>")]
    [InlineData("a\r\n.\0\r\n.\r\n", "<NUL>")]
    public void Smuggling_sequences_in_a_message_end_the_session(string data, string what)
    {
        var run = new DialogueRun().Feed(Start + "DATA\r\n" + data + "QUIT\r\n").End();

        Assert.Equal($"521 5.5.2 mx.ours.example Error: {what} received", run.Replies[^1]);
        Assert.True(run.IsClosed);
        Assert.Empty(run.Stored);
        Assert.Equal(
            $"smtpd: 00001: reject: END-OF-MESSAGE from unknown[192.0.2.7]: {what} received; from=<a@b.example> to=<u@ours.example> proto=ESMTP helo=<me.example>",
            run.LogLines[^2]);
        Assert.EndsWith("data=0/1 commands=3/4", run.LogLines[^1]);
    }

    [Theory]
    [InlineData("NOOP\n", "bare <LF>")]
    [InlineData("NOOP\rNOOP\r\n", "bare <CR>")]
    [InlineData("NOOP\r\r\n", "bare <CR>")]
    [InlineData("NO\0OP\r\n", "<NUL>")]
    public void Smuggling_sequences_in_commands_end_the_session(string line, string what)
    {
        var run = new DialogueRun().Feed("HELO x\r\n" + line + "QUIT\r\n").End();

        Assert.Equal($"521 5.5.2 mx.ours.example Error: {what} received", run.Replies[^1]);
        Assert.Equal($"smtpd: NOQUEUE: reject: HELO from unknown[192.0.2.7]: {what} received; proto=SMTP helo=<x>", run.LogLines[1]);
        Assert.True(run.IsClosed);
    }

    [Fact]
    public void The_longest_line_is_read_and_one_byte_more_ends_the_session()
    {
        var fits = new DialogueRun().Feed("NOOP " + new string('x', 2043) + "\r\n");
        var tooLong = new DialogueRun().Feed("NOOP " + new string('x', 2044) + "\r\n");

        Assert.Equal("250 2.0.0 Ok", fits.Replies[^1]);
        Assert.Equal("500 5.5.2 Error: line too long", tooLong.Replies[^1]);
        Assert.True(tooLong.IsClosed);
        Assert.Equal($"smtpd: warning: unknown[192.0.2.7]: request longer than 2048: NOOP {new string('x', 25)}...", tooLong.LogLines[^1]);
    }

    [Fact]
    public void A_message_of_the_limit_is_kept_and_a_byte_more_is_refused_at_its_end()
    {
        var options = DialogueRun.Options() with { MessageSizeLimit = 100 };

        var fits = new DialogueRun(options).Feed(Start + "DATA\r\n" + new string('x', 98) + "\r\n.\r\n");
        var tooBig = new DialogueRun(options).Feed(Start + "DATA\r\n" + new string('x', 99) + "\r\n.\r\nQUIT\r\n").End();

        Assert.Single(fits.Stored);
        Assert.Equal(["552 5.3.4 Error: message file too big", "221 2.0.0 Bye"], tooBig.Replies.TakeLast(2));
        Assert.Empty(tooBig.Stored);
        Assert.Contains("smtpd: warning: 00001: queue file size limit exceeded", tooBig.LogLines);
    }

    [Fact]
    public void A_client_that_does_not_end_a_refused_message_is_cut_off()
    {
        var run = new DialogueRun(DialogueRun.Options() with { MessageSizeLimit = 100 });

        run.Feed(Start + "DATA\r\n").Feed(new string('x', 1000), piece: 10);

        Assert.Equal("552 5.3.4 Error: message file too big", run.Replies[^1]);
        Assert.True(run.IsClosed);
    }

    [Fact]
    public void Recipients_over_the_limit_may_come_with_the_next_message()
    {
        var run = new DialogueRun(DialogueRun.Options() with { RecipientLimit = 2 });

        run.Feed("MAIL FROM:<>\r\nRCPT TO:<1@ours.example>\r\nRCPT TO:<2@ours.example>\r\nRCPT TO:<3@ours.example>\r\nDATA\r\n\r\n.\r\n");

        Assert.Equal(
            ["250 2.1.5 Ok", "250 2.1.5 Ok", "452 4.5.3 Error: too many recipients", "354 End data with <CR><LF>.<CR><LF>", "250 2.0.0 Ok: queued as 00001"],
            run.Replies.Skip(2));
    }

    [Fact]
    public void A_recipient_named_twice_gets_one_copy()
    {
        var run = new DialogueRun().Feed("MAIL FROM:<>\r\nRCPT TO:<u@ours.example>\r\nRCPT TO:<u@ours.example>\r\nDATA\r\n\r\n.\r\n");

        Assert.Contains($"qmgr: 00001: from=<>, size={run.Stored[0].Length}, nrcpt=1 (queue active)", run.LogLines);
    }

    [Fact]
    public void Errors_without_mail_have_an_end()
    {
        var run = new DialogueRun();

        for (var i = 0; i < 20; i++)
            run.Feed("FOO\r\n");

        Assert.Equal("421 4.7.0 mx.ours.example Error: too many errors", run.Replies[^1]);
        Assert.Equal("smtpd: too many errors after UNKNOWN from unknown[192.0.2.7]", run.LogLines[^1]);
        Assert.True(run.IsClosed);
    }

    [Fact]
    public void Junk_commands_become_errors_after_their_limit()
    {
        var run = new DialogueRun(DialogueRun.Options() with { JunkCommandLimit = 10, ErrorLimit = 8 });

        var count = 0;
        for (; !run.IsClosed; count++)
            run.Feed("NOOP\r\n");

        Assert.Equal(18, count); // as smtpd 3.7.11 does with these limits
        Assert.Equal("smtpd: too many errors after NOOP from unknown[192.0.2.7]", run.LogLines[^1]);
    }

    [Fact]
    public void Delivered_mail_forgives_errors()
    {
        var run = new DialogueRun(DialogueRun.Options() with { ErrorLimit = 3 });

        for (var i = 0; i < 5; i++)
            run.Feed("FOO\r\nFOO\r\nMAIL FROM:<>\r\nRCPT TO:<u@ours.example>\r\nDATA\r\n\r\n.\r\n");

        Assert.False(run.IsClosed);
        Assert.Equal(5, run.Stored.Count);
    }

    [Fact]
    public void A_full_disk_is_a_temporary_error_at_DATA_or_at_the_end()
    {
        var atData = new DialogueRun { CanOpen = false }.Feed(Start + "DATA\r\nQUIT\r\n");
        var atEnd = new DialogueRun { CanStore = false }.Feed(Start + "DATA\r\nx\r\n.\r\nQUIT\r\n");

        Assert.Equal(["451 4.3.0 Error: queue file write error", "221 2.0.0 Bye"], atData.Replies.Skip(4));
        Assert.Equal(["451 4.3.0 Error: queue file write error", "221 2.0.0 Bye"], atEnd.Replies.Skip(5));
    }

    [Fact]
    public void A_failed_write_in_the_middle_is_reported_at_the_end_of_the_message()
    {
        var run = new DialogueRun().Feed(Start + "DATA\r\nA: b\r\n");

        run.Dialogue.OnWriteFailed();
        run.Feed("c\r\n.\r\n");

        Assert.Equal("451 4.3.0 Error: queue file write error", run.Replies[^1]);
        Assert.Empty(run.Stored);
    }

    [Theory]
    [InlineData("", "CONNECT", "commands=0/0")]
    [InlineData("EHLO x\r\n", "EHLO", "ehlo=1 commands=1")]
    [InlineData(Start, "RCPT", "ehlo=1 mail=1 rcpt=1 commands=3")]
    [InlineData(Start + "DATA\r\nx\r\n", "DATA (3 bytes)", "ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4")]
    [InlineData(Start + "DATA\r\nx\r\n.\r\n", "END-OF-MESSAGE", "ehlo=1 mail=1 rcpt=1 data=1 commands=4")]
    public void Broken_and_slow_sessions_say_where_they_ended(string text, string where, string counts)
    {
        var lost = new DialogueRun().Feed(text).End(static dialogue => dialogue.OnLost());
        var slow = new DialogueRun().Feed(text).End(static dialogue => dialogue.OnTimeout());

        Assert.Equal(
            [$"smtpd: lost connection after {where} from unknown[192.0.2.7]", $"smtpd: disconnect from unknown[192.0.2.7] {counts}"], lost.LogLines.TakeLast(2));
        Assert.Equal(
            [$"smtpd: timeout after {where} from unknown[192.0.2.7]", $"smtpd: disconnect from unknown[192.0.2.7] {counts}"], slow.LogLines.TakeLast(2));
        Assert.Equal("421 4.4.2 mx.ours.example Error: timeout exceeded", slow.Replies[^1]);
    }

    [Fact]
    public void HELO_and_RSET_forget_the_message()
    {
        var run = new DialogueRun().Feed("MAIL FROM:<>\r\nHELO x\r\nRCPT TO:<u@ours.example>\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<u@ours.example>\r\n");

        Assert.Equal(2, run.Replies.Count(static reply => reply == "503 5.5.1 Error: need MAIL command"));
    }

    [Fact]
    public void Text_of_clients_is_harmless_in_logs_replies_and_headers()
    {
        var run = new DialogueRun().Feed("EHLO a b(c)<d>\"e\";f@g\\h\x07\r\nMAIL FROM:<>\r\nRCPT TO:<caf\x07@no.example>\r\nRCPT TO:<caf\xc3\xa9\x1b@ours.example>\r\nDATA\r\n\r\n.\r\n");

        Assert.Contains("554 5.7.1 <caf?@no.example>: Relay access denied", run.Replies);
        Assert.Equal("smtpd: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <caf?@no.example>: Relay access denied; "
            + "from=<> to=<caf?@no.example> proto=ESMTP helo=<a b(c)<d>\"e\";f@g\\h?>", run.LogLines[1]);
        Assert.Contains("Received: from a?b?c??d??e??f?g?h? (unknown [192.0.2.7])\n", run.Stored[0]);
        Assert.Contains("Delivered-To: caf\xc3\xa9?@ours.example\n", run.Stored[0]);
        Assert.All(run.LogLines, static line => Assert.DoesNotContain(line, static letter => letter is < ' ' or > '~'));
    }
}
