namespace Postern.Core.Reporting;

/// <summary>What screening did in the time that a log covers.</summary>
public sealed record Report
{
    /// <summary>The first and the last line that counted; null when there was none.</summary>
    public (DateTime First, DateTime Last)? Period { get; init; }

    /// <summary>Lines read, and lines of them that are no mail log.</summary>
    public (long Read, long Unreadable) Lines { get; init; }

    /// <summary>Of these, lines of screening, which are missing in all counts, and the first of them; null: there are none.</summary>
    public (long Count, string Example)? UnreadableScreening { get; init; }

    /// <summary>The first line that is no mail log, nor looks like screening; null: there is none.</summary>
    public string? UnreadableExample { get; init; }

    /// <summary>Connections whose lines stand in the log more than once; they are counted once.</summary>
    public int Doubled { get; init; }

    /// <summary>Lines about connections whose beginning is not in the log; they do not count.</summary>
    public long LinesWithoutBeginning { get; init; }

    /// <summary>There were more clients or mails than can be told apart: what depends on them is too low.</summary>
    public bool IsIncomplete { get; init; }

    /// <summary>Connections that screening took.</summary>
    public int Connections { get; init; }

    /// <summary>Connections that ended with screening, other than <see cref="ToldToComeBack"/>: the mail server had no work with them.</summary>
    public int Stopped { get; init; }

    /// <summary>New clients that passed tests in the dialogue and had to hang up and come back (<c>450 4.3.2</c>).</summary>
    public int ToldToComeBack { get; init; }

    /// <summary>Connections that were to go on to the mail server, and that it did not take: it could not be reached, had no room, or refused them.</summary>
    public int NotTaken { get; init; }

    /// <summary>When that was.</summary>
    public IReadOnlyList<Outage> Outages { get; init; } = [];

    /// <summary>Connections that went on to the mail server: by the access list, known, new, or without a word.</summary>
    public HandedOff HandedOff { get; init; } = new(0, 0, 0, 0);

    /// <summary>Connections that had not ended when the log did.</summary>
    public int Unfinished { get; init; }

    /// <summary>Made of an event log, which does not know the mail server's part: what follows of that is zero.</summary>
    public bool IsOfEvents { get; init; }

    /// <summary>Of the mail server's sessions behind screening: no mail accepted and something rejected.</summary>
    public int Rejected { get; init; }

    /// <summary>Of the mail server's sessions behind screening: they brought mail.</summary>
    public int Delivering { get; init; }

    /// <summary>Of the mail server's sessions behind screening: nothing accepted, nothing rejected.</summary>
    public int Idle { get; init; }

    /// <summary>The mail server's <c>reject:</c> lines in those sessions.</summary>
    public int RejectLines { get; init; }

    /// <summary>Mails that came through screening and were delivered.</summary>
    public int Delivered { get; init; }

    /// <summary>Of the connections that were handed off, those of which the log has no session of the mail server's.</summary>
    public int WithoutSession => HandedOff.Total - Rejected - Delivering - Idle;

    /// <summary>Connections that screening kept from the mail server, or gave to it.</summary>
    public int Decided => Stopped + ToldToComeBack + HandedOff.Total;

    /// <summary>The share of <see cref="Decided"/> connections that screening kept from the mail server; zero without any.</summary>
    public double LoadTakenOff => Decided == 0 ? 0 : (double)(Stopped + ToldToComeBack) / Decided;

    /// <summary>For each cause that occurred: connections with it, and connections with nothing else.</summary>
    public IReadOnlyList<CauseCount> Causes { get; init; } = [];

    /// <summary>Connections by hour, without gaps.</summary>
    public IReadOnlyList<HourCount> Hours { get; init; } = [];

    /// <summary>Where stopped connections came from, most first: /24 of IPv4, /64 of IPv6.</summary>
    public IReadOnlyList<NameCount> Networks { get; init; } = [];

    /// <summary>By how much each of these may be too low: there were too many networks.</summary>
    public int NetworkError { get; init; }

    /// <summary>DNS lists by the clients that they listed, most first.</summary>
    public IReadOnlyList<NameCount> Lists { get; init; } = [];

    /// <summary>There were too many listed clients to count each: the numbers are estimates.</summary>
    public bool ListsAreEstimates { get; init; }

    /// <summary>How long early talkers held their tongue.</summary>
    public Histogram EarlyTalk { get; init; } = new();

    /// <summary>How long those stayed who hung up in the greet wait.</summary>
    public Histogram HangUps { get; init; } = new();

    /// <summary>
    /// How long new clients that passed had to wait, from their first connection to the first one that went to the mail
    /// server.
    /// </summary>
    public Histogram NewClientWaits { get; init; } = new();

    /// <summary>How long clients stayed in the greet wait before they left.</summary>
    public BreakOffCurves BreakOff { get; init; } = new();

    /// <summary>Clients of event logs. Where there is a mail log, too, they are in <see cref="BreakOff"/> and nowhere else.</summary>
    public int Events { get; init; }

    /// <summary>New clients that passed, were told to come back and did not, as far as the log goes.</summary>
    public int NeverCameBack { get; init; }
}

/// <summary>Connections handed off, by what let them in.</summary>
/// <param name="ByAccessList"><c>ALLOWLISTED</c>.</param>
/// <param name="Known"><c>PASS OLD</c>.</param>
/// <param name="New"><c>PASS NEW</c>.</param>
/// <param name="WithoutWord">No test was due, or a failed test is ignored.</param>
/// <param name="ByProvider"><c>PROVIDER PERMIT</c>.</param>
public sealed record HandedOff(int ByAccessList, int Known, int New, int WithoutWord, int ByProvider = 0)
{
    /// <summary>All of them.</summary>
    public int Total => ByAccessList + ByProvider + Known + New + WithoutWord;
}

/// <summary>Stopped connections of one cause.</summary>
/// <param name="Cause">One cause.</param>
/// <param name="Connections">With this cause, whatever else they had: what this test alone would have stopped.</param>
/// <param name="Only">With this cause and no other: what nobody else would have stopped.</param>
public sealed record CauseCount(ScreeningCause Cause, int Connections, int Only);

/// <summary>Connections that began within an hour.</summary>
public sealed record HourCount(DateTime Hour, int Stopped, int HandedOff, int NotTaken);

/// <summary>A name and how often it occurred.</summary>
public sealed record NameCount(string Name, int Count);
