using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>
/// Compares two configurations on the clients that an event log has: each address is replayed with both, under the same
/// hypotheses, and what changes is counted; so what is not known makes a range, and not an error.
/// </summary>
public sealed class WhatIf
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromMilliseconds(500);

    private static readonly ScreeningCause DeepCauses = ScreeningTest.Deep.Aggregate(ScreeningCause.None, static (sum, test) => sum | test.Cause);

    private readonly Func<RecordedClient, (ReplayRules Before, ReplayRules After)> _rules;
    private readonly Func<RecordedClient, bool> _isDecent;
    private readonly int _mostNamed;
    private readonly List<NamedClient> _certain = [], _possible = [];
    private readonly Dictionary<Unknowns, int> _missing = [];
    private readonly Dictionary<Outcome, int> _recorded = [];
    private readonly Histogram _delays = new(), _savings = new();
    private (DateTimeOffset First, DateTimeOffset Last)? _period;
    private int _clients, _addresses, _notReplayed, _otherwise, _seenPatient;
    private Bounds _stopped, _told, _handedOff, _newlyStopped, _newlyStoppedDecent, _newlyLetIn, _newlyTold, _delayed, _spedUp;

    /// <param name="rules">The settings of today and the others, for a client: services differ.</param>
    /// <param name="isDecent">Whether a client that was let in is one that should be.</param>
    /// <param name="mostNamed">How many decent clients the answer names at most.</param>
    public WhatIf(Func<RecordedClient, (ReplayRules Before, ReplayRules After)> rules, Func<RecordedClient, bool> isDecent, int mostNamed = 10) =>
        (_rules, _isDecent, _mostNamed) = (rules, isDecent, mostNamed);

    /// <summary>One client in both replays under one hypothesis.</summary>
    private readonly record struct Pair(ReplayedClient Before, ReplayedClient After)
    {
        public bool IsNewlyStopped => Before.Outcome is not Outcome.Stopped && After.Outcome is Outcome.Stopped;

        public bool IsNewlyLetIn => Before.Outcome is Outcome.Stopped && After.Outcome is not Outcome.Stopped;

        public bool IsNewlyTold => Before.Outcome is Outcome.HandedOff && After.Outcome is Outcome.ToldToComeBack;

        public TimeSpan Delay => Before.Outcome is Outcome.HandedOff && After.Outcome is Outcome.HandedOff ? After.Lasted - Before.Lasted : TimeSpan.Zero;
    }

    /// <summary>Takes in all recorded clients of one address and one service.</summary>
    /// <param name="clients">In the order in which they connected.</param>
    public void Add(IReadOnlyList<RecordedClient> clients)
    {
        _clients += clients.Count;
        _addresses++;
        foreach (var client in clients)
            _period = _period is var (first, last) ? (client.Connected < first ? client.Connected : first, client.Connected > last ? client.Connected : last) : (client.Connected, client.Connected);
        RecordedClient[] replayable = [.. clients.Where(static client => client.Outcome is not Outcome.NotTaken && !client.Causes.HasFlag(ScreeningCause.NoRoom))];
        _notReplayed += clients.Count - replayable.Length;
        if (replayable.Length > 0)
            Compare(replayable);
    }

    /// <summary>What has come out.</summary>
    public WhatIfAnswer Answer() => new()
    {
        Period = _period,
        Clients = _clients,
        Addresses = _addresses,
        NotReplayed = _notReplayed,
        Otherwise = _otherwise,
        Before = new(Recorded(Outcome.Stopped), Recorded(Outcome.ToldToComeBack), Recorded(Outcome.HandedOff)),
        After = new(_stopped, _told, _handedOff),
        NewlyStopped = _newlyStopped,
        NewlyStoppedDecent = _newlyStoppedDecent,
        NewlyLetIn = _newlyLetIn,
        NewlyToldToComeBack = _newlyTold,
        Delayed = _delayed,
        Delays = _delays,
        SpedUp = _spedUp,
        Savings = _savings,
        Missing = _missing,
        SeenPatient = _seenPatient,
        Named = [.. _certain.Concat(_possible).Take(_mostNamed)],
    };

    private void Compare(RecordedClient[] clients)
    {
        var (before, after) = _rules(clients[0]);
        var stories = Imagine(clients, before, after);
        foreach (var client in clients)
            _recorded[client.Outcome] = _recorded.GetValueOrDefault(client.Outcome) + 1;
        _stopped += Count(stories, static (pair, _) => pair.After.Outcome is Outcome.Stopped);
        _told += Count(stories, static (pair, _) => pair.After.Outcome is Outcome.ToldToComeBack);
        _handedOff += Count(stories, static (pair, _) => pair.After.Outcome is Outcome.HandedOff);
        var isDecent = Array.ConvertAll(clients, client => _isDecent(client));
        _newlyStopped += Count(stories, static (pair, _) => pair.IsNewlyStopped);
        _newlyStoppedDecent += Count(stories, (pair, i) => isDecent[i] && pair.IsNewlyStopped);
        _newlyLetIn += Count(stories, static (pair, _) => pair.IsNewlyLetIn);
        _newlyTold += Count(stories, (pair, i) => isDecent[i] && pair.IsNewlyTold);
        _delayed += Count(stories, (pair, i) => isDecent[i] && pair.Delay > Noticeable);
        _spedUp += Count(stories, (pair, i) => isDecent[i] && pair.Delay < -Noticeable);
        for (var i = 0; i < clients.Length; i++)
            Note(clients, i, [.. stories.Select(story => story[i])], isDecent[i]);
    }

    /// <summary>Everything that can have been, as far as it makes a difference.</summary>
    private static List<Pair[]> Imagine(RecordedClient[] clients, ReplayRules before, ReplayRules after)
    {
        var (stories, missing) = (new List<Pair[]>(), Unknowns.None);
        var left = Hypothesis.All.ToList();
        while (left.FindIndex(hypothesis => hypothesis.DependsOnlyOn(missing)) is >= 0 and var next)
        {
            var (old, other) = (AddressReplay.Run(clients, before, left[next]), AddressReplay.Run(clients, after, left[next]));
            left.RemoveAt(next);
            Pair[] story = [.. old.Zip(other, static (one, two) => new Pair(one, two))];
            stories.Add(story);
            missing = story.Aggregate(missing, static (sum, pair) => sum | pair.Before.Unknowns | pair.After.Unknowns);
        }

        return stories;
    }

    private void Note(RecordedClient[] clients, int index, Pair[] stories, bool isDecent)
    {
        var client = clients[index];
        if (!Array.Exists(stories, story => story.Before.Outcome == client.Outcome))
            _otherwise++;
        var delay = stories[0].Delay; // that of a client that waits
        if (isDecent && delay > Noticeable)
            _delays.Add(delay.TotalSeconds);
        else if (isDecent && delay < -Noticeable)
            _savings.Add(-delay.TotalSeconds);

        var isSame = Array.TrueForAll(stories, story => (story.IsNewlyStopped, story.IsNewlyLetIn, story.IsNewlyTold) == (stories[0].IsNewlyStopped, stories[0].IsNewlyLetIn, stories[0].IsNewlyTold));
        var missing = isSame ? Unknowns.None : stories.Aggregate(Unknowns.None, static (sum, story) => sum | story.Before.Unknowns | story.After.Unknowns);
        if (missing.HasFlag(Unknowns.Silence))
            missing = Unknowns.Silence; // the others follow from it
        for (var bits = (int)missing; bits != 0; bits &= bits - 1)
            _missing[(Unknowns)(bits & -bits)] = _missing.GetValueOrDefault((Unknowns)(bits & -bits)) + 1;
        if (missing.HasFlag(Unknowns.Silence) && Array.Exists(clients, other => IsAsPatient(other, stories[0].After.Facts.Waited)))
            _seenPatient++;

        if (!isDecent || !Array.Exists(stories, static story => story.IsNewlyStopped))
            return;
        var isCertain = Array.TrueForAll(stories, static story => story.IsNewlyStopped);
        var list = isCertain ? _certain : _possible;
        if (list.Count >= _mostNamed || list.Exists(named => named.Client.Address == client.Address))
            return;
        var causes = stories.Where(static story => story.IsNewlyStopped).Aggregate(ScreeningCause.None, static (sum, story) => sum | story.After.Facts.Causes);
        if (missing.HasFlag(Unknowns.Silence))
            causes &= ~DeepCauses; // supposed of those that are supposed to talk
        list.Add(new NamedClient(client with { Sender = client.Sender ?? Said(clients, static other => other.Sender), Recipient = client.Recipient ?? Said(clients, static other => other.Recipient) }, isCertain, causes, missing));
    }

    private Bounds Recorded(Outcome outcome) => new(_recorded.GetValueOrDefault(outcome), _recorded.GetValueOrDefault(outcome));

    private static string? Said(RecordedClient[] clients, Func<RecordedClient, string?> what) => clients.Select(what).FirstOrDefault(static text => text is not null);

    private static bool IsAsPatient(RecordedClient client, TimeSpan? wait) =>
        client.Passed.Has(ScreeningTest.Pregreet) && client.Waited >= wait - Noticeable;

    // Client by client: that one visit was that of a bot says nothing of the next.
    private static Bounds Count(List<Pair[]> stories, Func<Pair, int, bool> counts)
    {
        var (certain, possible) = (0, 0);
        for (var i = 0; i < stories[0].Length; i++)
        {
            var times = stories.Count(story => counts(story[i], i));
            certain += times == stories.Count ? 1 : 0;
            possible += times > 0 ? 1 : 0;
        }

        return new(certain, possible);
    }
}
