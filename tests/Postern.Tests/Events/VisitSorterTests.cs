using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Events;

namespace Postern.Tests.Events;

public sealed class VisitSorterTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    /// <summary>With parts so small that all is in the file, with a few, and all in memory.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3000)]
    [InlineData(VisitSorter.UsualPart)]
    public void Visits_come_back_whole_by_service_address_and_time(int part)
    {
        var random = new Random(7);
        var visits = Enumerable.Range(0, 400).Select(_ => (Service: random.Next(2), Client: Any(random), IsMarked: random.Next(20) == 0)).ToList();
        using var sorter = new VisitSorter(part);
        foreach (var (service, client, isMarked) in visits)
            sorter.Add(client, service, isMarked);

        var (groups, read) = (new List<VisitGroup>(), new List<(int Service, RecordedClient Client)>());
        sorter.Read(groups.Add, client => read.Add((groups[^1].Service, client)), static () => { });

        var expected = visits.GroupBy(static visit => (visit.Service, visit.Client.Address)).OrderBy(static group => group.Key.Service).ThenBy(static group => group.Key.Address.High).ThenBy(static group => group.Key.Address.Low).ToList();
        Assert.Equal(400, sorter.Count);
        Assert.Equal(
            expected.Select(group => new VisitGroup(group.Key.Service, group.Key.Address, group.Any(static visit => visit.IsMarked), expected.Any(other => IsNeighbour(other.Key, group.Key)))),
            groups);
        Assert.Equal(
            expected.SelectMany(static group => group.OrderBy(static visit => visit.Client.Connected)).Select(static visit => (visit.Service, Text(visit.Client))),
            read.Select(static visit => (visit.Service, Text(visit.Client))));
    }

    private static bool IsNeighbour((int Service, IpAddress Address) one, (int Service, IpAddress Address) other) =>
        one.Service == other.Service && one.Address != other.Address && one.Address.IsIPv4 == other.Address.IsIPv4
        && one.Address.Network(one.Address.IsIPv4 ? 24 : 64) == other.Address.Network(one.Address.IsIPv4 ? 24 : 64);

    private static string Text(RecordedClient client) => $"{client with { Answers = [], Answered = null }} {string.Join(' ', client.Answers)} {(client.Answered is null ? "-" : string.Join(' ', client.Answered))}";

    private static RecordedClient Any(Random random) => new()
    {
        Connected = Start.AddMilliseconds(random.NextInt64(100_000_000)),
        Duration = Time(random),
        Address = Ip.Of(random.Next(4) == 0 ? $"2001:db8::{random.Next(3)}:{random.Next(1, 4)}" : $"192.0.{random.Next(3)}.{random.Next(1, 30)}"),
        Port = (ushort)random.Next(65_536),
        Server = new Endpoint(Ip.Of("192.0.2.25"), (ushort)(random.Next(2) == 0 ? 25 : 2525)),
        Outcome = (Outcome)random.Next(3),
        Entrance = (Entrance)random.Next(4),
        Causes = (ScreeningCause)random.Next(1 << 10),
        Due = new TestSet((byte)random.Next(32)),
        Passed = new TestSet((byte)random.Next(32)),
        Failed = new TestSet((byte)random.Next(32)),
        Dropped = new TestSet((byte)random.Next(32)),
        TalkedAfter = Maybe(random),
        SaidQuit = random.Next(2) == 0,
        Class = random.Next(2) == 0 ? RdnsKind.Generic : null,
        HungUpAfter = Maybe(random),
        Waited = Maybe(random),
        HandoffTook = Maybe(random),
        UnderStress = random.Next(2) == 0,
        ListsWereAsked = true,
        Answers = [.. Enumerable.Range(0, random.Next(3)).Select(i => new RecordedAnswer($"list{i}.example", (uint)random.Next()))],
        Answered = random.Next(4) == 0 ? null : [.. Enumerable.Range(0, random.Next(3)).Select(i => new AnsweredList($"list{i}.example", Time(random), random.Next(3) switch { 0 => null, 1 => -1, _ => random.Next() }))],
        Unanswered = random.Next(5),
        Name = random.Next(2) == 0 ? new ReverseName(ReverseNameStatus.Confirmed, "mail.example.com") : null,
        Record = random.Next(2) == 0 ? new TestExpiry((uint)random.Next(), 1, 2, 3, uint.MaxValue) : null,
        Remembered = random.Next(2) == 0 ? new TestExpiry(0, (uint)random.Next(), 2, 3, 4) : null,
        Sender = random.Next(2) == 0 ? "ä@b.example" : null,
        Recipient = random.Next(2) == 0 ? new string('r', random.Next(300)) : null,
        Recipients = random.Next(1000),
        TalkedToUs = random.Next(2) == 0,
        WasCutOff = random.Next(2) == 0,
    };

    private static TimeSpan Time(Random random) => TimeSpan.FromMilliseconds(random.Next(1 << random.Next(1, 30)));

    private static TimeSpan? Maybe(Random random) => random.Next(2) == 0 ? Time(random) : null;
}
