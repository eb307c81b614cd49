using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>
/// Compares two configurations on the visits that an event log has: each is replayed with both, in every way that the recording
/// leaves open, and what changes is counted; so what is not known makes a range, and not an error. Nothing is kept of an address
/// that is over.
/// </summary>
public sealed class WhatIf
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromMilliseconds(500);

    // The rows of the answer: what is counted, and of whom.
    private static readonly (Effects Effect, bool OfDecent)[] Rows =
    [
        (Effects.Stopped, false), (Effects.ToldToComeBack, false), (Effects.HandedOff, false),
        (Effects.NewlyStopped, false), (Effects.NewlyStopped, true), (Effects.NewlyLetIn, false),
        (Effects.NewlyTold, true), (Effects.Later, true), (Effects.Sooner, true),
    ];

    private readonly AddressReplay[] _services;
    private readonly Func<RecordedClient, bool, bool> _isDecent;
    private readonly int _maxNamed;
    private readonly Bounds[] _visits = new Bounds[Rows.Length], _addresses = new Bounds[Rows.Length];
    private readonly List<NamedClient> _certain = [], _possible = [];
    private readonly Dictionary<Unknowns, int> _missing = [];
    private readonly Dictionary<Outcome, int> _recorded = [];
    private readonly Durations _delays = new(), _savings = new();
    private readonly Retries _retries;
    private (DateTimeOffset First, DateTimeOffset Last)? _period;
    private int _clients, _addressCount, _notReplayed, _otherwise, _seenPatient;

    // Of the address at hand.
    private readonly Dictionary<TimeSpan, int> _wantedPatience = [];
    private AddressReplay _replay;
    private int _certainRows, _possibleRows;
    private bool _isListed;
    private TimeSpan _patience;
    private (IpAddress Address, string? Sender, string? Recipient) _said;

    /// <param name="services">For each service the settings of today and those in question.</param>
    /// <param name="isDecent">Whether a visit is that of a client that should be let in, by its recording and by whether DNS lists speak against its address.</param>
    /// <param name="logEnds">When the recording ends, to see who had the time to come back; null: not known.</param>
    /// <param name="maxNamed">How many decent clients the answer names at most.</param>
    public WhatIf(IReadOnlyList<(ReplayRules Before, ReplayRules After)> services, Func<RecordedClient, bool, bool> isDecent, DateTimeOffset? logEnds, int maxNamed = 10)
    {
        (_isDecent, _maxNamed, _retries) = (isDecent, maxNamed, new Retries(logEnds));
        _services = [.. services.Select(service => new AddressReplay(service.Before, service.After, Take))];
        _replay = _services[0];
    }

    /// <summary>The visits of an address to a service follow.</summary>
    /// <param name="service">Its number.</param>
    /// <param name="isListed">Whether DNS lists speak against the address.</param>
    /// <param name="hasNeighbours">Whether others of its network have come, too.</param>
    public void Begin(int service, bool isListed, bool hasNeighbours)
    {
        (_replay, _isListed, _certainRows, _possibleRows, _patience, _said) = (_services[service], isListed, 0, 0, TimeSpan.Zero, default);
        _wantedPatience.Clear();
        _replay.Begin(hasNeighbours);
        _addressCount++;
    }

    /// <summary>Takes in the next visit of the address.</summary>
    /// <param name="client">Connected no sooner than the last one.</param>
    public void Add(RecordedClient client)
    {
        _clients++;
        _period = _period is var (first, last) ? (client.Connected < first ? client.Connected : first, client.Connected > last ? client.Connected : last) : (client.Connected, client.Connected);
        if (client.Sender is not null || client.Recipient is not null)
            _said = (client.Address, _said.Sender ?? client.Sender, _said.Recipient ?? client.Recipient);
        if (!client.WasScreened)
        {
            _notReplayed++;
            _replay.Skip(client);
            return;
        }

        _recorded[client.Outcome] = _recorded.GetValueOrDefault(client.Outcome) + 1;
        _retries.Add(client);
        if (client.Passed.Has(ScreeningTest.Pregreet) && client.Waited > _patience)
            _patience = client.Waited.Value;
        _replay.Add(client);
    }

    /// <summary>That was the last visit of the address.</summary>
    public void End()
    {
        _replay.End();
        _retries.End();
        for (var row = 0; row < Rows.Length; row++)
            _addresses[row] += new Bounds(_certainRows >> row & 1, _possibleRows >> row & 1);
        foreach (var (wait, count) in _wantedPatience)
            _seenPatient += _patience >= wait - Noticeable ? count : 0;
        if (_said.Sender is null && _said.Recipient is null)
            return;
        Complete(_certain);
        Complete(_possible);
    }

    /// <summary>What has come out.</summary>
    public WhatIfAnswer Answer() => new()
    {
        Period = _period,
        Clients = _clients,
        Addresses = _addressCount,
        NotReplayed = _notReplayed,
        Otherwise = _otherwise,
        Before = new(Recorded(Outcome.Stopped), Recorded(Outcome.ToldToComeBack), Recorded(Outcome.HandedOff)),
        After = new(Row(0), Row(1), Row(2)),
        NewlyStopped = Row(3),
        NewlyStoppedDecent = Row(4),
        NewlyLetIn = Row(5),
        NewlyToldToComeBack = Row(6),
        Delayed = Row(7),
        Delays = _delays,
        SpedUp = Row(8),
        Savings = _savings,
        Missing = _missing,
        SeenPatient = _seenPatient,
        Named = [.. _certain.Concat(_possible).Take(_maxNamed)],
        Retries = _retries.Estimate(_visits[3], _visits[5], _visits[6]),
    };

    private void Take(RecordedClient client, VisitComparison comparison)
    {
        var isDecent = _isDecent(client, _isListed);
        for (var row = 0; row < Rows.Length; row++)
        {
            var (effect, ofDecent) = Rows[row];
            if ((comparison.Possible & effect) == 0 || (ofDecent && !isDecent))
                continue;
            var isCertain = (comparison.Certain & effect) != 0;
            _visits[row] += new Bounds(isCertain ? 1 : 0, 1);
            _possibleRows |= 1 << row;
            _certainRows |= isCertain ? 1 << row : 0;
        }

        _otherwise += comparison.IsAsRecorded ? 0 : 1;
        if (isDecent && comparison.Possible.HasFlag(Effects.Later))
            _delays.Add(comparison.Delay);
        if (isDecent && comparison.Possible.HasFlag(Effects.Sooner))
            _savings.Add(comparison.Saving);
        var missing = MissingOf(comparison, isDecent);
        for (var bits = (int)missing; bits != 0; bits &= bits - 1)
            _missing[(Unknowns)(bits & -bits)] = _missing.GetValueOrDefault((Unknowns)(bits & -bits)) + 1;
        if (missing.HasFlag(Unknowns.Silence) && comparison.Wait is { } wait)
            _wantedPatience[wait] = _wantedPatience.GetValueOrDefault(wait) + 1;
        if (isDecent && comparison.Possible.HasFlag(Effects.NewlyStopped))
            Name(client, comparison, missing);
    }

    private static Unknowns MissingOf(VisitComparison comparison, bool isDecent)
    {
        var open = comparison.Possible & ~comparison.Certain & ~(isDecent ? Effects.None : Effects.Later | Effects.Sooner);
        return open == Effects.None ? Unknowns.None
            : comparison.Missing.HasFlag(Unknowns.Silence) ? Unknowns.Silence // the others follow from it
            : comparison.Missing;
    }

    private void Name(RecordedClient client, VisitComparison comparison, Unknowns missing)
    {
        var isCertain = comparison.Certain.HasFlag(Effects.NewlyStopped);
        var list = isCertain ? _certain : _possible;
        if (list.Count >= _maxNamed || list.Exists(named => named.Client.Address == client.Address))
            return;
        // What it is supposed to do besides is no reason: that it is stopped is.
        var causes = comparison.CertainCauses is ScreeningCause.None ? comparison.PossibleCauses : comparison.CertainCauses;
        list.Add(new NamedClient(client, isCertain, causes, missing));
    }

    private void Complete(List<NamedClient> list)
    {
        var i = list.FindIndex(named => named.Client.Address == _said.Address);
        if (i >= 0)
            list[i] = list[i] with { Client = list[i].Client with { Sender = list[i].Client.Sender ?? _said.Sender, Recipient = list[i].Client.Recipient ?? _said.Recipient } };
    }

    private Count Row(int row) => new(_visits[row], _addresses[row]);

    private Bounds Recorded(Outcome outcome) => new(_recorded.GetValueOrDefault(outcome), _recorded.GetValueOrDefault(outcome));
}
