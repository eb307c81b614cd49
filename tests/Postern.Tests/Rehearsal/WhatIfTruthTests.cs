using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Postern.Cli;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Rehearsal;
using Postern.Core.Replay;
using Postern.Core.Screening;
using Postern.Rehearsal;
using Postern.Tables;
using Postern.Tests.Dnsbl;
using Postern.Tests.Replay;

namespace Postern.Tests.Rehearsal;

/// <summary>
/// Played under one configuration, with the real loop, and asked about another; then played under that one, too. With visits that
/// are the same whatever becomes of them, all that is said of them must come true.
/// </summary>
public sealed class WhatIfTruthTests : IDisposable
{
    private const string World = "bl.example*2 slow.example*2 third.example*2 white.example*-2";
    private const int Seeds = 3, MaxAttempts = 4, MaxShown = 12;

    private static readonly string[] Traffic =
    [
        "bots=45", "mails=55", "hours=2", "honest_known=0.4", "honest_generic=0.2", "honest_short_patience=0.2", "bot_listed=0.5", "bot_pipelining=0.06", "bot_non_smtp=0.06",
        "bot_bare_newline=0.06", "moods=0.3", "dns_ttl=60", "dns_ttl_spread=5000", "dns_lost=0.01", "dns_answers_after=0.02:0.3 0.1:0.5 2:0.8 5:0.95 12:1",
    ];

    private const double MinJudged = 0.9;

    private readonly string _folder = Directory.CreateTempSubdirectory("postern-test-").FullName;
    private readonly ConcurrentDictionary<(string Settings, int Seed, bool AreFixed), Lazy<List<RecordedClient>?>> _played = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_said_of_fixed_visits_comes_true()
    {
        Assert.True(SettingsPairs.All.Count >= 60);

        CompareAll(SettingsPairs.All, Seeds);
    }

    /// <summary>POSTERN_TRUTH_PAIRS=1000 is the long form, POSTERN_TRUTH_FROM another beginning.</summary>
    [Fact]
    public void So_it_does_for_settings_that_are_drawn_at_random()
    {
        var (count, first) = (Number("POSTERN_TRUTH_PAIRS", 6), Number("POSTERN_TRUTH_FROM", 0));

        CompareAll([.. Enumerable.Range(first, count).Select(SettingsPairs.Drawn)], seeds: 1);

        static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
    }

    /// <summary>Who is stopped calls again: of the recorded visits all that is certain comes true, and there are more than those.</summary>
    [Fact]
    public void With_clients_that_come_back_it_is_about_the_recorded_visits_only()
    {
        const string Before = "postscreen_greet_action=ignore", After = "postscreen_greet_action=drop";
        var (recorded, played) = (Play(Before, 1, areFixed: false), Play(After, 1, areFixed: false));
        Assert.SkipWhen(recorded is null || played is null, "the machine is too busy to know the order of events");

        var answer = Ask(recorded, SettingsOf(Before), SettingsOf(After));
        var stopped = played.Count(static client => client.Outcome is Outcome.Stopped);

        Assert.Equal(answer.After.Stopped.Visits.AtLeast, answer.After.Stopped.Visits.AtMost);
        Assert.True(stopped > answer.After.Stopped.Visits.AtMost, "nobody has come back");
        var first = played.DistinctBy(static client => client.Address).ToDictionary(static client => client.Address);
        foreach (var (client, comparison) in Compare(recorded, SettingsOf(Before), SettingsOf(After)).DistinctBy(static pair => pair.Client.Address))
            Assert.Null(Lie(client, comparison, first[client.Address]));
    }

    private void CompareAll(IReadOnlyList<(string Before, string After)> pairs, int seeds)
    {
        var (rows, failures) = (new string?[pairs.Count * seeds], new ConcurrentBag<string>());
        Parallel.For(0, rows.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var (before, after) = pairs[i / seeds];
            rows[i] = CompareOne(before, after, 1 + i % seeds, failures);
        });
        if (Environment.GetEnvironmentVariable("POSTERN_TRUTH_TABLE") is { Length: > 0 } table)
            File.WriteAllLines(table, [.. rows.OfType<string>(), .. failures]);
        Assert.True(rows.OfType<string>().Count() >= rows.Length * MinJudged, "the machine is too busy to know the order of events");
        Assert.True(failures.IsEmpty, $"{failures.Count} are not true:\n{string.Join('\n', failures.Take(MaxShown))}");
    }

    /// <returns>Null: there was no telling.</returns>
    private string? CompareOne(string before, string after, int seed, ConcurrentBag<string> failures)
    {
        if (Play(before, seed, areFixed: true) is not { } recorded || Play(after, seed, areFixed: true) is not { } played)
            return null;
        var title = $"{before} -> {after}, seed {seed}, {recorded.Count} visits:";
        Assert.True(recorded.Count == played.Count && recorded.Count > 150, title);
        var truths = new Dictionary<RecordedClient, Effects>(ReferenceEqualityComparer.Instance);
        foreach (var ((client, comparison), truth) in Compare(recorded, SettingsOf(before), SettingsOf(after)).Zip(played))
        {
            truths[client] = Truth.Of(client, truth);
            if (Lie(client, comparison, truth) is { } lie)
                failures.Add($"{title} {lie}");
        }

        var answer = Ask(recorded, SettingsOf(before), SettingsOf(after));
        if (answer.Otherwise > 0)
            failures.Add($"{title} {answer.Otherwise} otherwise");
        (string Name, Count Count, Effects Effect, bool OfDecent)[] rows =
        [
            ("stopped", answer.After.Stopped, Effects.Stopped, false), ("told", answer.After.ToldToComeBack, Effects.ToldToComeBack, false), ("handed off", answer.After.HandedOff, Effects.HandedOff, false),
            ("newly stopped", answer.NewlyStopped, Effects.NewlyStopped, false), ("decent", answer.NewlyStoppedDecent, Effects.NewlyStopped, true), ("let in", answer.NewlyLetIn, Effects.NewlyLetIn, false),
            ("decent told", answer.NewlyToldToComeBack, Effects.NewlyTold, true), ("later", answer.Delayed, Effects.Later, true), ("sooner", answer.SpedUp, Effects.Sooner, true),
        ];
        var line = new StringBuilder(title);
        foreach (var (name, count, effect, ofDecent) in rows)
        {
            var those = truths.Where(pair => pair.Value.HasFlag(effect) && (!ofDecent || IsDecent(pair.Key))).Select(static pair => pair.Key).ToList();
            var addresses = those.DistinctBy(static client => client.Address).Count();
            var isTrue = Holds(count.Visits, those.Count) && Holds(count.Addresses, addresses);
            line.Append(CultureInfo.InvariantCulture, $" {name} {count.Visits.AtLeast}-{count.Visits.AtMost} ({those.Count});");
            if (!isTrue)
                failures.Add($"{line} {count} {addresses}");
        }

        return line.ToString();

        static bool Holds(Bounds bounds, int number) => number >= bounds.AtLeast && number <= bounds.AtMost;
    }

    /// <returns>Null: what is said of a visit is true.</returns>
    private static string? Lie(RecordedClient client, VisitComparison comparison, RecordedClient played)
    {
        var truth = Truth.Of(client, played);
        return (client.Address, client.Connected) == (played.Address, played.Connected) && (comparison.Certain & ~truth) == 0 && (truth & ~comparison.Possible) == 0
            ? null
            : $"[{client.Address}] at {client.Connected:O}: certain {comparison.Certain}; possible {comparison.Possible}; missing {comparison.Missing}; truth {truth}\n  {Words(client)}\n  {Words(played)}";
    }

    private static string Words(RecordedClient client) =>
        $"{client.Connected:O} {client.Outcome} {client.Entrance} ({client.Causes}) due {client.Due.Columns} passed {client.Passed.Columns} took {client.Duration.TotalSeconds} waited {client.Waited?.TotalSeconds} talked {client.TalkedAfter?.TotalSeconds} left {client.HungUpAfter?.TotalSeconds} "
        + $"answered {string.Join(' ', client.Answered ?? [])} answers {string.Join(' ', client.Answers)} unanswered {client.Unanswered} name {client.Name} record {client.Record} remembered {client.Remembered}";

    private static List<(RecordedClient Client, VisitComparison Comparison)> Compare(List<RecordedClient> recorded, Settings before, Settings after)
    {
        var comparisons = new List<(RecordedClient, VisitComparison)>();
        var replay = new AddressReplay(new ReplayRules(before, before), new ReplayRules(after, before), (client, comparison) => comparisons.Add((client, comparison.Copy())));
        foreach (var (visits, hasNeighbours) in ByAddress(recorded))
        {
            replay.Begin(hasNeighbours);
            foreach (var client in visits)
                replay.Add(client);
            replay.End();
        }

        return comparisons;
    }

    private static WhatIfAnswer Ask(List<RecordedClient> recorded, Settings before, Settings after)
    {
        var whatIf = new WhatIf([(new ReplayRules(before, before), new ReplayRules(after, before))], static (client, _) => IsDecent(client), logEnds: null);
        foreach (var (visits, hasNeighbours) in ByAddress(recorded))
        {
            whatIf.Begin(0, isListed: false, hasNeighbours);
            foreach (var client in visits)
                whatIf.Add(client);
            whatIf.End();
        }

        return whatIf.Answer();
    }

    private static bool IsDecent(RecordedClient client) => client.Outcome is Outcome.HandedOff;

    private static IEnumerable<(IEnumerable<RecordedClient> Visits, bool HasNeighbours)> ByAddress(List<RecordedClient> clients)
    {
        var networks = clients.Select(static client => client.Address).Distinct().CountBy(static address => address.Network(24)).ToDictionary();
        return clients.GroupBy(static client => client.Address).Select(group => (group.AsEnumerable(), networks[group.Key.Network(24)] > 1));
    }

    private static Settings SettingsOf(string overrides) => ConfigurationOf(overrides).Services[0].Settings;

    // Which list is believed when depends on all who ask it, so all are.
    private static Configuration ConfigurationOf(string overrides)
    {
        var host = HostFactsReader.Read() with { IsRoot = false, ResolveHost = static _ => [IpAddress.FromIPv4(0x7f000001)] };
        var configuration = Configuration.LoadTrial(SampleFiles.Directory, SampleFiles.Configuration, host, HostTableTypes.For, ["postern_dnsbl_check_interval=0", .. overrides.Split(';', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.False(configuration.HasErrors, string.Join('\n', configuration.Problems));
        return configuration;
    }

    /// <summary>In the order of addresses and time; null: the machine was too busy for the order of events to be sure.</summary>
    private List<RecordedClient>? Play(string overrides, int seed, bool areFixed) => _played.GetOrAdd((overrides, seed, areFixed), key => new(() => PlayNow(key.Settings, key.Seed, key.AreFixed))).Value;

    private List<RecordedClient>? PlayNow(string overrides, int seed, bool areFixed)
    {
        var model = TrafficModel.Default;
        foreach (var setting in Traffic)
        {
            Assert.True(model.TrySet(setting, out var changed, out var problem), problem);
            model = changed;
        }

        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var path = Path.Combine(_folder, Path.GetRandomFileName());
            var options = new RehearsalOptions(model, seed) { AreVisitsFixed = areFixed, KeepEvents = path, Lists = Sites.Of(World) };
            var run = Rehearsals.Play(new Variant("", []), ConfigurationOf(overrides), options, static _ => { }, TestContext.Current.CancellationToken);
            if (run.Unsettled > 0)
                continue;
            var clients = File.ReadLines(path).Select(Story.Read).OrderBy(static client => client.Address.IPv4Bits).ThenBy(static client => client.Connected).ToList();
            File.Delete(path);
            return clients;
        }

        return null;
    }
}
