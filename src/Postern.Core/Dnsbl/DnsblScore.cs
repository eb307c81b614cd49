namespace Postern.Core.Dnsbl;

/// <summary>
/// What the DNS lists say of one client address. The sessions that this client has at the same time share it: the first
/// makes the queries, the others join, and with the last of them it goes. Answers that come after that count for nothing.
/// </summary>
public sealed class DnsblScore(DnsblSites sites)
{
    private readonly List<ulong> _waiting = new(1);
    private readonly ListState[] _lists = new ListState[sites.Lists.Length];
    private List<DnsblListing>? _listings;
    private DnsblList? _best;
    private int _bestWeight;
    private long _score;
    private int _failTtl = -1;
    private int _passTtl = -1;

    /// <summary>Whom it asks.</summary>
    public DnsblSites Sites { get; } = sites;

    /// <summary>The sessions that have not taken the result yet.</summary>
    public int Sessions { get; internal set; }

    /// <summary>How many queries are out. One that runs into <c>postscreen_dnsbl_timeout</c> stays out for ever.</summary>
    public int Pending { get; private set; }

    /// <summary>Whether the queries have been made.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether nothing more will come. Of no query at all the first session is not told; it waits, as in postscreen.</summary>
    public bool IsComplete => IsStarted && Pending == 0;

    /// <summary>Who is to be told when it is complete, in the daemon's numbers.</summary>
    public IReadOnlyList<ulong> Waiting => _waiting;

    /// <summary>The sum of the weights so far.</summary>
    public int Score => (int)Math.Clamp(_score, int.MinValue, int.MaxValue);

    /// <summary>The list that weighs most so far; of equal ones that which answered first. Null: nobody lists the client.</summary>
    public DnsblList? Best => _best;

    /// <summary>The answers so far that list the client, those included that no rule counts.</summary>
    public IReadOnlyList<DnsblListing> Listings => _listings ?? [];

    /// <summary>The lists that have answered so far, whatever they said.</summary>
    public IEnumerable<DnsblAnswer> Answered => Sites.Lists.Where(list => _lists[list.Index].Progress is Progress.Answered)
        .Select(list => new DnsblAnswer(list, TimeSpan.FromMilliseconds(_lists[list.Index].After), _lists[list.Index].TimeToLive));

    /// <summary>The queries are out.</summary>
    /// <param name="queries">How many: a list that is not well may have been left out.</param>
    public void Start(int queries) => (IsStarted, Pending) = (true, queries);

    /// <summary>Adds to <see cref="Waiting"/>.</summary>
    public void AddWaiting(ulong client) => _waiting.Add(client);

    /// <summary>Takes the answer of one list in.</summary>
    /// <param name="list">One of <see cref="Sites"/>.</param>
    /// <param name="addresses">The A records, a.b.c.d with a in the most significant byte; empty: not listed, or no answer.</param>
    /// <param name="timeToLive">Seconds that the answer may be remembered; -1: it does not say.</param>
    /// <param name="after">How long the answer took.</param>
    /// <returns>Whether it is complete with this answer.</returns>
    public bool Add(DnsblList list, ReadOnlySpan<uint> addresses, int timeToLive, TimeSpan after = default)
    {
        if (_lists[list.Index].Progress is not Progress.Waiting)
            return false;
        _lists[list.Index] = new(Progress.Answered, (uint)Math.Clamp(after.TotalMilliseconds, 0, uint.MaxValue), timeToLive);
        Pending--;
        if (Sessions == 0)
            return false;

        var isListing = false;
        foreach (var address in addresses)
        {
            isListing |= Sites.CountsErrorAnswers || !list.IsErrorAnswer(address);
            (_listings ??= new List<DnsblListing>(1)).Add(new DnsblListing(list, address));
        }

        if (!isListing && !addresses.IsEmpty)
            timeToLive = -1; // nothing but errors: ask again soon
        foreach (var rule in list.Rules)
        {
            ref var ttl = ref isListing == rule.Weight > 0 ? ref _failTtl : ref _passTtl;
            if (ttl < 0 || ttl > timeToLive)
                ttl = timeToLive; // also -1, in place of a time: so does postscreen
            if (!isListing || !AnyCounts(rule, addresses))
                continue;
            _score += rule.Weight;
            if (_best is null || rule.Weight > _bestWeight)
                (_best, _bestWeight) = (list, rule.Weight);
        }

        return Pending == 0;
    }

    /// <summary>The time of a list is over; what it says from now on counts for nothing.</summary>
    /// <returns>False: it has answered.</returns>
    public bool GiveUp(DnsblList list)
    {
        if (_lists[list.Index].Progress is not Progress.Waiting)
            return false;
        _lists[list.Index] = new(Progress.GivenUp, 0, 0);
        return true;
    }

    /// <summary>How long a client with this score may be remembered as passed.</summary>
    /// <param name="least"><c>postscreen_dnsbl_min_ttl</c>.</param>
    /// <param name="most"><c>postscreen_dnsbl_max_ttl</c>, which wins.</param>
    public TimeSpan TimeToLive(TimeSpan least, TimeSpan most)
    {
        var found = TimeSpan.FromSeconds(Score > 0 ? _failTtl : _passTtl);
        found = found < least ? least : found;
        return found > most ? most : found;
    }

    private bool AnyCounts(DnsblRule rule, ReadOnlySpan<uint> addresses)
    {
        foreach (var address in addresses)
        {
            if (rule.Counts(address, Sites.CountsErrorAnswers))
                return true;
        }

        return false;
    }

    private enum Progress : byte
    {
        Waiting,
        Answered,
        GivenUp,
    }

    // Kept for each list of each parked client: twelve bytes.
    private readonly record struct ListState(Progress Progress, uint After, int TimeToLive);
}

/// <summary>That a DNS list has answered.</summary>
/// <param name="List">The list.</param>
/// <param name="After">How long it took.</param>
/// <param name="TimeToLive">Seconds that the answer may be remembered; -1: it does not say.</param>
public readonly record struct DnsblAnswer(DnsblList List, TimeSpan After, int TimeToLive);
