using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Logging;

namespace Postern.Tests.Logging;

public sealed class MailLogTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 2, 58, 5, TimeSpan.Zero);
    private static readonly LogTag Postscreen = new("postfix", "postscreen", 21996);
    private static readonly LogOptions Options = new() { HostName = "mx.example.com" };

    private readonly ManualTime _time = new(Noon);
    private readonly MemoryDestination _destination = new();

    public void Dispose() => _destination.Dispose();

    [Fact]
    public void A_line_in_a_file_is_Postfix_s_own()
    {
        using var log = Open();

        log.Write(Postscreen, LogSeverity.Info, "CONNECT from [127.0.0.250]:37855 to [127.0.0.9]:25"u8);
        log.Flush();

        Assert.Equal(
            "Nov 24 02:58:05 mx postfix/postscreen[21996]: CONNECT from [127.0.0.250]:37855 to [127.0.0.9]:25\n",
            _destination.Text);
    }

    [Fact]
    public void The_time_is_local_and_the_day_padded_with_a_blank()
    {
        var zone = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(5.5), "test", "test");
        var time = new ManualTime(new DateTimeOffset(2026, 1, 31, 23, 59, 59, TimeSpan.Zero), zone);
        using var log = new MailLog(_destination, Options, time);

        log.Write(Postscreen, LogSeverity.Info, "one"u8);
        time.Advance(TimeSpan.FromSeconds(1));
        log.Write(Postscreen, LogSeverity.Info, "two"u8);
        time.Advance(TimeSpan.FromDays(9));
        log.Write(Postscreen, LogSeverity.Info, "three"u8);
        time.Advance(TimeSpan.FromDays(-9)); // the clock was set back
        log.Write(Postscreen, LogSeverity.Info, "four"u8);
        log.Flush();

        Assert.Equal(
            [
                "Feb  1 05:29:59 mx postfix/postscreen[21996]: one",
                "Feb  1 05:30:00 mx postfix/postscreen[21996]: two",
                "Feb 10 05:30:00 mx postfix/postscreen[21996]: three",
                "Feb  1 05:30:00 mx postfix/postscreen[21996]: four",
            ],
            _destination.Lines);
    }

    [Theory]
    [InlineData(LogSeverity.Info, "text", "<22>")]
    [InlineData(LogSeverity.Warning, "warning: text", "<20>")]
    [InlineData(LogSeverity.Error, "error: text", "<19>")]
    [InlineData(LogSeverity.Fatal, "fatal: text", "<18>")]
    public void Severity_is_a_prefix_of_the_text_and_syslog_s_priority(LogSeverity severity, string text, string priority)
    {
        using var log = Open();
        var syslog = new MemoryDestination { IsSyslog = true };
        using var toSyslog = new MailLog(syslog, Options, _time);

        log.WriteNow(Postscreen, severity, "text");
        toSyslog.WriteNow(Postscreen, severity, "text");

        Assert.Equal($"Nov 24 02:58:05 mx postfix/postscreen[21996]: {text}\n", _destination.Text);
        Assert.Equal($"{priority}Nov 24 02:58:05 postfix/postscreen[21996]: {text}\n", syslog.Text);
    }

    [Theory]
    [InlineData(0, 6)]
    [InlineData(3, 30)]
    [InlineData(23, 190)]
    public void The_facility_is_part_of_the_priority(int facility, int priority)
    {
        var syslog = new MemoryDestination { IsSyslog = true };
        using var log = new MailLog(syslog, Options with { Facility = facility }, _time);

        log.WriteNow(Postscreen, LogSeverity.Info, "text");

        Assert.StartsWith($"<{priority}>Nov", syslog.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_is_cut_at_2000_bytes_without_its_severity()
    {
        using var log = Open();
        var text = new string('a', 1999);

        log.WriteNow(Postscreen, LogSeverity.Warning, text + "bcd");
        log.WriteNow(Postscreen, LogSeverity.Info, Encoding.Latin1.GetBytes(text + "\u00c3\u00a9"));

        Assert.EndsWith($": warning: {text}b", _destination.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith($": {text}?", _destination.Lines[1], StringComparison.Ordinal); // half a character is none
    }

    [Fact]
    public void Control_bytes_cannot_begin_a_line_and_NUL_ends_the_text()
    {
        using var log = Open();

        log.Write(Postscreen, LogSeverity.Info, "x\nNov 24 02:58:05 mx forged\r\u001b[2J"u8);
        log.Write(Postscreen, LogSeverity.Info, "seen\0unseen");
        log.Flush();

        Assert.Equal(2, _destination.Lines.Length);
        Assert.EndsWith(": x?Nov 24 02:58:05 mx forged??[2J", _destination.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith(": seen", _destination.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void UTF_8_is_kept_or_not_as_smtputf8_enable_says()
    {
        var ascii = new MemoryDestination();
        using var log = Open();
        using var asciiLog = new MailLog(ascii, Options with { KeepUtf8 = false }, _time);

        log.WriteNow(Postscreen, LogSeverity.Info, "été"u8);
        asciiLog.WriteNow(Postscreen, LogSeverity.Info, "été"u8);

        Assert.EndsWith(": \u00c3\u00a9t\u00c3\u00a9\n", _destination.Text, StringComparison.Ordinal);
        Assert.EndsWith(": ??t??\n", ascii.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_program_has_its_own_tag_under_syslog_name()
    {
        using var log = Open();
        var tags = LogTags.For("postfix-in");

        foreach (var tag in new[] { tags.Postscreen, tags.Dnsblog, tags.Tlsproxy, LogTag.OfReceiver("postfix-in", "smtpd", 0), LogTag.OfReceiver("postfix-in", "smtpd", 7), LogTag.OfReceiver("postfix-in", "local", 7), tags.Postern })
            log.Write(tag, LogSeverity.Info, "x"u8);
        log.Flush();

        var pid = Environment.ProcessId;
        Assert.Equal(
            [
                $"Nov 24 02:58:05 mx postfix-in/postscreen[{pid}]: x",
                $"Nov 24 02:58:05 mx postfix-in/dnsblog[{pid}]: x",
                $"Nov 24 02:58:05 mx postfix-in/tlsproxy[{pid}]: x",
                $"Nov 24 02:58:05 mx postfix-in/smtpd[{pid}]: x",
                "Nov 24 02:58:05 mx postfix-in/smtpd[4194311]: x", // as if each session had a process, and none that there is
                $"Nov 24 02:58:05 mx postfix-in/local[{pid}]: x",
                $"Nov 24 02:58:05 mx postfix-in/postern[{pid}]: x",
            ],
            _destination.Lines);
    }

    [Fact]
    public void Lines_wait_for_a_flush_and_go_out_in_one_write()
    {
        using var log = Open();
        log.Write(Postscreen, LogSeverity.Info, "one"u8);
        log.Write(Postscreen, LogSeverity.Info, "two"u8);
        Assert.True(log.HasPending);
        Assert.Equal(0, _destination.Writes);

        log.Flush();

        Assert.False(log.HasPending);
        Assert.Equal(1, _destination.Writes);
        Assert.Equal(2, _destination.Lines.Length);
    }

    [Fact]
    public void A_full_batch_does_not_wait_for_a_flush()
    {
        using var log = Open();

        for (var i = 0; i < 40; i++)
            log.Write(Postscreen, LogSeverity.Info, new string('x', MailLog.MaxText));

        Assert.Equal(1, _destination.Writes);
    }

    [Fact]
    public void A_line_that_was_written_in_part_goes_on_where_it_stopped()
    {
        using var log = Open();
        _destination.Room = 60;
        log.Write(Postscreen, LogSeverity.Info, "the first line"u8);
        log.Write(Postscreen, LogSeverity.Info, "the second line"u8);
        log.Flush();
        Assert.Equal(60, _destination.Text.Length);

        _destination.Room = int.MaxValue;
        log.Flush();

        Assert.Equal(2, _destination.Lines.Length);
        Assert.EndsWith(": the second line", _destination.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_destination_that_takes_nothing_costs_one_wait_and_loses_lines_only_beyond_the_bound()
    {
        using var log = Open();
        _destination.Room = 0;
        var text = new string('x', 1000);
        var size = "Nov 24 02:58:05 mx postfix/postscreen[21996]: ".Length + text.Length + 1;
        var kept = MailLog.MaxPending / size;

        for (var i = 0; i < kept + 100; i++)
        {
            log.Write(Postscreen, LogSeverity.Info, text);
            if (i % 100 == 0)
                log.Flush();
        }

        Assert.Equal(1, _destination.Waits);
        Assert.Empty(_destination.Text);

        _destination.Room = int.MaxValue;
        log.Flush();

        Assert.Equal(kept + 1, _destination.Lines.Length);
        Assert.All(_destination.Lines[..kept], line => Assert.EndsWith(text, line, StringComparison.Ordinal));
        Assert.EndsWith("]: warning: 100 log lines were lost", _destination.Lines[kept], StringComparison.Ordinal);

        log.WriteNow(Postscreen, LogSeverity.Info, "after");
        Assert.EndsWith("]: after", _destination.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(kept + 2, _destination.Lines.Length);
    }

    [Fact]
    public void Lines_are_taken_again_behind_a_report_once_half_of_the_room_is_free()
    {
        using var log = Open();
        _destination.Room = 0;
        var text = new string('x', MailLog.MaxText);
        for (var i = 0; i < 2200; i++)
            log.Write(Postscreen, LogSeverity.Info, text);

        _destination.Room = MailLog.MaxPending / 4;
        log.Flush();
        log.Write(Postscreen, LogSeverity.Info, "lost as well"u8);
        _destination.Room = MailLog.MaxPending / 2;
        log.Flush();
        log.Write(Postscreen, LogSeverity.Info, "kept"u8);
        _destination.Room = int.MaxValue;
        log.Flush();

        var lines = _destination.Lines;
        var kept = lines.Count(line => line.EndsWith(text, StringComparison.Ordinal));
        var lost = (2200 - kept + 1).ToString(CultureInfo.InvariantCulture);
        Assert.DoesNotContain("lost as well", _destination.Text, StringComparison.Ordinal);
        Assert.EndsWith($"]: warning: {lost} log lines were lost", lines[^2], StringComparison.Ordinal);
        Assert.EndsWith("]: kept", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Trouble_of_the_destination_shows_in_the_log()
    {
        using var log = Open();
        _destination.Warning = "cannot write maillog_file /var/log/mail.log: No space left on device";

        log.WriteNow(Postscreen, LogSeverity.Info, "x");

        Assert.Equal(2, _destination.Lines.Length);
        Assert.EndsWith(
            $"postern[{Environment.ProcessId}]: warning: cannot write maillog_file /var/log/mail.log: No space left on device",
            _destination.Lines[1],
            StringComparison.Ordinal);
    }

    [Fact]
    public void Reopen_writes_what_is_pending_to_the_old_file()
    {
        using var log = Open();
        log.Write(Postscreen, LogSeverity.Info, "old"u8);

        log.Reopen();
        log.WriteNow(Postscreen, LogSeverity.Info, "new");

        Assert.EndsWith("]: old", _destination.Lines[0], StringComparison.Ordinal);
        Assert.Equal("(reopened)", _destination.Lines[1]);
        Assert.EndsWith("]: new", _destination.Lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_writes_what_is_pending()
    {
        var log = Open();
        log.Write(Postscreen, LogSeverity.Fatal, "last words"u8);

        log.Dispose();

        Assert.EndsWith("]: fatal: last words\n", _destination.Text, StringComparison.Ordinal);
        Assert.True(_destination.IsClosed);
    }

    [Fact]
    public void Lines_of_many_threads_stay_whole()
    {
        using var log = Open();

        Parallel.For(0, 8, thread =>
        {
            for (var i = 0; i < 500; i++)
                log.WriteNow(Postscreen, LogSeverity.Info, $"thread {thread} line {i}");
        });

        Assert.Equal(4000, _destination.Lines.Length);
        for (var thread = 0; thread < 8; thread++)
        {
            var mine = _destination.Lines.Where(line => line.Contains($"thread {thread} ", StringComparison.Ordinal)).ToArray();
            Assert.Equal(500, mine.Length);
            Assert.All(mine, (line, i) => Assert.EndsWith($"]: thread {thread} line {i}", line, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Writing_a_line_allocates_nothing()
    {
        using var log = Open();
        log.WriteNow(Postscreen, LogSeverity.Info, "warm up"u8);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
            log.Write(Postscreen, LogSeverity.Info, "CONNECT from [127.0.0.250]:37855 to [127.0.0.9]:25"u8);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private MailLog Open() => new(_destination, Options, _time);
}
