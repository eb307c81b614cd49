using System.Text;
using System.Text.Json;
using Postern.Core.Config;
using Postern.Events;
using Postern.Logging;
using Postern.Tests.Logging;
using Postern.Tests.Loop;
using Postern.Tests.Screening;

namespace Postern.Tests.Events;

public sealed class EventLogTests
{
    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP" };

    [Fact]
    public void Each_client_that_left_is_a_line()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "events");
        var log = EventLog.Open(path, keeper: null, TimeProvider.System, static text => Assert.Fail(text));

        for (var i = 0; i < 500; i++)
            log.Add([Left().Session]);
        log.Dispose();

        var lines = File.ReadAllLines(path);
        Assert.Equal(500, lines.Length);
        Assert.All(lines, static line => Assert.Equal("client", JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_rotated_file_is_followed()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "events");
        var log = EventLog.Open(path, keeper: null, TimeProvider.System, static text => Assert.Fail(text));
        log.Add([Left().Session]);
        LoopHarness.Until(() => new FileInfo(path).Length > 0, "nothing is written");

        File.Move(path, path + ".1");
        log.Reopen();
        LoopHarness.Until(() => File.Exists(path), "the file is not opened again");
        log.Add([Left().Session]);
        log.Dispose();

        Assert.Single(File.ReadAllLines(path));
        Assert.Single(File.ReadAllLines(path + ".1"));
    }

    [Fact]
    public void A_file_that_takes_nothing_costs_events_and_no_time_and_the_loss_is_told()
    {
        using var stuck = new StuckDestination();
        var warnings = new List<string>();
        var log = new EventLog(stuck, TimeProvider.System, warnings.Add);
        log.Add([Left().Session]);
        Assert.True(stuck.Entered.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken), "nothing is written");

        var one = Left().Session;
        for (var i = 0; i < 20_000; i++)
            log.Add([one]); // returns although the writer stands still

        Assert.InRange(log.Lost, 1, 15_000);
        stuck.Go.Set();
        log.Dispose();
        var lines = stuck.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(20_001 - log.Lost, lines.Count(static line => line.GetProperty("event").GetString() == "client"));
        Assert.Equal(log.Lost, lines.Where(static line => line.GetProperty("event").GetString() == "lost").Sum(static line => line.GetProperty("count").GetInt64()));
        Assert.Contains($"{log.Lost} events were lost", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bug_that_an_event_meets_does_not_end_the_log()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "events");
        var log = EventLog.Open(path, keeper: null, TimeProvider.System, static text => Assert.Fail(text));

        Assert.Throws<NullReferenceException>(() => log.Add([Left().Session, null!]));

        LoopHarness.Until(() => File.ReadAllLines(path).Length == 1, "the event before it is not written");
        log.Add([Left().Session]);
        LoopHarness.Until(() => File.ReadAllLines(path).Length == 2, "nothing is written after it");
        log.Dispose();
        Assert.All(File.ReadAllLines(path), static line => JsonDocument.Parse(line));
    }

    [Fact]
    public void The_loop_tells_of_a_client_when_the_server_has_it()
    {
        var told = new System.Collections.Concurrent.ConcurrentQueue<Postern.Core.Screening.Session>();
        using var server = new PassServer();
        using var harness = new LoopHarness(Plain with { GreetWait = TimeSpan.FromMilliseconds(50) }, server.Path);
        harness.Loop.Post(() => harness.Loop.ClientsLeft = sessions =>
        {
            foreach (var session in sessions)
                told.Enqueue(session);
        });
        using var client = harness.Connect();
        using (var impatient = harness.Connect())
            Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(impatient));
        _ = server.Next();

        LoopHarness.Until(() => told.Count == 2, "two clients have left");

        var facts = told.Select(static session => session.Facts!).ToList();
        Assert.Contains(facts, static f => f.IsHandedOff && f.HandoffService == "private/smtpd");
        Assert.Contains(facts, static f => !f.IsHandedOff && f.HungUpAfter is not null);
    }

    private static FakeShell Left()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7"));
        shell.Connect();
        shell.AdvanceTo(TimeSpan.FromSeconds(6));
        return shell;
    }

    /// <summary>Stands still in its first write until it may go.</summary>
    private sealed class StuckDestination : ILogDestination
    {
        private readonly StringBuilder _text = new();

        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Go { get; } = new();

        public string Text => _text.ToString();

        public bool IsSyslog => false;

        public int Write(ReadOnlySpan<byte> lines)
        {
            Entered.Set();
            Go.Wait();
            _text.Append(Encoding.UTF8.GetString(lines));
            return lines.Length;
        }

        public bool WaitForRoom(int milliseconds) => false;

        public void Reopen()
        {
        }

        public string? TakeWarning() => null;

        public void Dispose()
        {
        }
    }
}
