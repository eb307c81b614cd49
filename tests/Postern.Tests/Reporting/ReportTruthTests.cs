using System.Globalization;
using System.Text;
using Postern.Core.Replay;
using Postern.Core.Reporting;

namespace Postern.Tests.Reporting;

/// <summary>What a report says of logs of which every number is known, in whatever state they are.</summary>
public sealed class ReportTruthTests
{
    private const int Clients = 1000;
    private static readonly DateTime Start = new(2026, 11, 24, 10, 0, 0);

    public static TheoryData<int, int> Traffic() => new()
    {
        // seed, addresses: many, and three that do a great deal at once
        { 1, 250 }, { 2, 250 }, { 3, 250 }, { 4, 3 }, { 5, 3 },
    };

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Lines_in_order(int seed, int addresses)
    {
        var log = Make(seed, addresses);

        AssertTrue(log, MadeUpLog.Truth.Of(Read(log.Lines)));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void The_rows_sum_to_the_connections(int seed, int addresses)
    {
        var log = Make(seed, addresses);
        var report = Read(log.Lines.Take(log.Lines.Count / 2));

        Assert.Equal(report.Connections, report.Stopped + report.ToldToComeBack + report.NotTaken + report.HandedOff.Total + report.Unfinished);
        Assert.Equal(report.HandedOff.Total, report.Rejected + report.Idle + report.Delivering + report.WithoutSession);
        Assert.True(report.WithoutSession >= 0);
        Assert.Equal(report.Connections - report.Unfinished, report.Hours.Sum(static hour => hour.Stopped + hour.HandedOff + hour.NotTaken));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Lines_that_syslogd_has_mixed(int seed, int addresses)
    {
        var log = Mixable(seed, addresses);
        var random = new Random(seed);

        AssertTrue(log, MadeUpLog.Truth.Of(Read(log.Lines.OrderBy(line => line.Time + random.NextDouble() * 2))));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Processes_that_are_late(int seed, int addresses)
    {
        var log = Mixable(seed, addresses);
        var random = new Random(seed);
        var late = log.Lines.Select(static line => line.Program + line.ProcessId).Distinct().ToDictionary(static process => process, _ => random.NextDouble() * 2);

        AssertTrue(log, MadeUpLog.Truth.Of(Read(log.Lines.Select(line => line with { Time = line.Time + late[line.Program + line.ProcessId] }).OrderBy(static line => line.Time))));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Lines_that_are_late_each_by_itself(int seed, int addresses)
    {
        var log = Mixable(seed, addresses);
        var random = new Random(seed);

        AssertTrue(log, MadeUpLog.Truth.Of(Read(log.Lines.Select(line => line with { Time = line.Time + random.NextDouble() }).OrderBy(static line => line.Time))));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Each_line_twice(int seed, int addresses)
    {
        var log = Mixable(seed, addresses);
        var random = new Random(seed);

        var neighbours = Read(log.Lines.SelectMany(static line => (MadeUpLog.Line[])[line, line]));
        var later = Read(log.Lines.Concat(log.Lines.Select(static line => line with { Time = line.Time })).OrderBy(line => line.Time + random.NextDouble()));
        var thrice = Read(log.Lines.SelectMany(static line => (MadeUpLog.Line[])[line, line, line]));

        AssertTrue(log, MadeUpLog.Truth.Of(neighbours));
        Assert.Equal(log.Expected.Connections, neighbours.Doubled);
        AssertTrue(log, MadeUpLog.Truth.Of(later));
        AssertTrue(log, MadeUpLog.Truth.Of(thrice));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void Some_lines_twice(int seed, int addresses)
    {
        var log = Mixable(seed, addresses);
        var random = new Random(seed);

        var (expected, actual) = (WithoutRejections(log.Expected.ToString()), WithoutRejections(MadeUpLog.Truth.Of(Read(log.Lines.SelectMany(line => random.Next(100) == 0 ? (MadeUpLog.Line[])[line, line] : [line])))));
        Assert.True(expected == actual, $"should be {expected}\nand is    {actual}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Several_machines_that_know_nothing_of_each_other(int seed)
    {
        var log = new MadeUpLog(seed, Clients, Clients, addresses: 20, hosts: 3);

        AssertTrue(log, MadeUpLog.Truth.Of(Read(log.Lines)));
    }

    [Theory]
    [InlineData(1, "2026-12-31T23:50:00")]
    [InlineData(2, "2027-12-31T23:50:00")]
    public void The_year_ends(int seed, string start)
    {
        var log = Make(seed, 250);
        var builder = new ReportBuilder(DateTime.Parse(start, CultureInfo.InvariantCulture).AddDays(1));
        foreach (var line in log.Lines)
            builder.Add(Encoding.Latin1.GetBytes(MadeUpLog.Classic(line, DateTime.Parse(start, CultureInfo.InvariantCulture))));

        var report = builder.Build();

        AssertTrue(log, MadeUpLog.Truth.Of(report));
        Assert.True(report.Period!.Value.Last - report.Period.Value.First < TimeSpan.FromHours(1));
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    [InlineData(-40)]
    public void The_clock_is_set(int by)
    {
        var log = Make(1, 250);
        var moment = Clients / 2;
        var report = Read(log.Lines.Select(line => line.Time < moment ? line : line with { Time = line.Time + by }));

        AssertTrue(log, MadeUpLog.Truth.Of(report));
    }

    [Theory]
    [MemberData(nameof(Traffic))]
    public void The_event_log_says_the_same(int seed, int addresses)
    {
        var log = Make(seed, addresses);
        var events = new EventTally();
        foreach (var client in log.Events.OrderBy(static client => client.Connected + client.Duration))
            events.Add(client, client.Connected.DateTime);

        var (ofLog, ofEvents) = (Read(log.Lines), events.Build());

        Assert.Equal(
            (ofLog.Connections, ofLog.Stopped, ofLog.ToldToComeBack, ofLog.NotTaken, ofLog.HandedOff),
            (ofEvents.Connections, ofEvents.Stopped, ofEvents.ToldToComeBack, ofEvents.NotTaken, ofEvents.HandedOff));
        Assert.Equal(ofLog.Causes.OrderBy(static cause => cause.Cause), ofEvents.Causes.OrderBy(static cause => cause.Cause));
        Assert.Equal(ofLog.Hours, ofEvents.Hours);
        Assert.Equal(ofLog.Networks, ofEvents.Networks);
        Assert.Equal(ofLog.LoadTakenOff, ofEvents.LoadTakenOff);
    }

    private static MadeUpLog Mixable(int seed, int addresses) => new(seed, Clients, Clients, addresses, isMixable: addresses == 3);

    private static MadeUpLog Make(int seed, int addresses) => new(seed, Clients, Clients, addresses);

    private static void AssertTrue(MadeUpLog log, string actual) => Assert.True(log.Expected.ToString() == actual, $"should be {log.Expected}\nand is    {actual}");

    private static string WithoutRejections(string truth) => truth[..truth.IndexOf("rejections", StringComparison.Ordinal)];

    private static Report Read(IEnumerable<MadeUpLog.Line> lines)
    {
        var builder = new ReportBuilder(Start.AddHours(5));
        foreach (var line in lines)
            builder.Add(Encoding.Latin1.GetBytes(MadeUpLog.Classic(line, Start)));
        return builder.Build();
    }
}
