using Postern.Core.Reporting;

namespace Postern.Core.Replay;

/// <summary>A number that is not known exactly.</summary>
/// <param name="AtLeast">Certain.</param>
/// <param name="AtMost">If everything that is not known is so.</param>
public readonly record struct Bounds(int AtLeast, int AtMost)
{
    /// <summary>Both ends added.</summary>
    public static Bounds operator +(Bounds left, Bounds right) => new(left.AtLeast + right.AtLeast, left.AtMost + right.AtMost);
}

/// <summary>A row of the answer.</summary>
/// <param name="Visits">How many of the recorded visits.</param>
/// <param name="Addresses">From how many addresses.</param>
public readonly record struct Count(Bounds Visits, Bounds Addresses);

/// <summary>Visits as they were recorded, by what became of them.</summary>
public sealed record RecordedOutcomes(Bounds Stopped, Bounds ToldToComeBack, Bounds HandedOff);

/// <summary>Visits by what becomes of them.</summary>
public sealed record OutcomeCounts(Count Stopped, Count ToldToComeBack, Count HandedOff);

/// <summary>A decent client that would be stopped.</summary>
/// <param name="Client">As recorded.</param>
/// <param name="IsCertain">False: nobody knows whether it would.</param>
/// <param name="Causes">Why.</param>
/// <param name="Missing">What would have to be known to be certain.</param>
public sealed record NamedClient(RecordedClient Client, bool IsCertain, ScreeningCause Causes, Unknowns Missing);

/// <summary>What other settings would have done with the recorded clients.</summary>
public sealed record WhatIfAnswer
{
    /// <summary>When the first and the last client connected; null: there is none.</summary>
    public (DateTimeOffset First, DateTimeOffset Last)? Period { get; init; }

    /// <summary>Lines read, and lines of them that are about no client.</summary>
    public (long Read, long Unreadable) Lines { get; init; }

    /// <summary>Recorded visits.</summary>
    public int Clients { get; init; }

    /// <summary>Their addresses.</summary>
    public int Addresses { get; init; }

    /// <summary>Visits that ended for lack of room, since the mail server did not take them, or since Postern stopped: left out of every other number but <see cref="Clients"/>.</summary>
    public int NotReplayed { get; init; }

    /// <summary>Visits that the settings of today would have treated in another way than is recorded.</summary>
    public int Otherwise { get; init; }

    /// <summary>As recorded.</summary>
    public RecordedOutcomes Before { get; init; } = new(default, default, default);

    /// <summary>With the others.</summary>
    public OutcomeCounts After { get; init; } = new(default, default, default);

    /// <summary>Clients that would newly be stopped.</summary>
    public Count NewlyStopped { get; init; }

    /// <summary>Decent ones among them.</summary>
    public Count NewlyStoppedDecent { get; init; }

    /// <summary>Clients that would not be stopped any more.</summary>
    public Count NewlyLetIn { get; init; }

    /// <summary>Decent clients that would be told to come back, and were not.</summary>
    public Count NewlyToldToComeBack { get; init; }

    /// <summary>Decent clients that would be let in later than they were.</summary>
    public Count Delayed { get; init; }

    /// <summary>By how much at most, for each that may be.</summary>
    public Durations Delays { get; init; } = new();

    /// <summary>Decent clients that would be let in sooner.</summary>
    public Count SpedUp { get; init; }

    /// <summary>By how much at most, for each that may be.</summary>
    public Durations Savings { get; init; } = new();

    /// <summary>For each fact that is missing, the visits whose fate depends on it.</summary>
    public IReadOnlyDictionary<Unknowns, int> Missing { get; init; } = new Dictionary<Unknowns, int>();

    /// <summary>Of those whose silence is not known: an other session of the address was silent for so long.</summary>
    public int SeenPatient { get; init; }

    /// <summary>Some of the decent clients that would be stopped, those first of whom it is certain.</summary>
    public IReadOnlyList<NamedClient> Named { get; init; } = [];

    /// <summary>Connections more and fewer that may follow from it; null: the recording does not show how often clients come back.</summary>
    public RetryEstimate? Retries { get; init; }
}
