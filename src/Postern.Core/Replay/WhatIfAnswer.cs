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

/// <summary>Clients by what becomes of them.</summary>
public sealed record OutcomeBounds(Bounds Stopped, Bounds ToldToComeBack, Bounds HandedOff);

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

    /// <summary>Recorded clients.</summary>
    public int Clients { get; init; }

    /// <summary>Their addresses.</summary>
    public int Addresses { get; init; }

    /// <summary>Clients that were turned away for lack of room: left as they are, and not in any other number but <see cref="Clients"/>.</summary>
    public int NotReplayed { get; init; }

    /// <summary>Clients that the settings of today would have treated in another way than is recorded.</summary>
    public int Otherwise { get; init; }

    /// <summary>As recorded.</summary>
    public OutcomeBounds Before { get; init; } = new(default, default, default);

    /// <summary>With the others.</summary>
    public OutcomeBounds After { get; init; } = new(default, default, default);

    /// <summary>Clients that would newly be stopped.</summary>
    public Bounds NewlyStopped { get; init; }

    /// <summary>Decent ones among them.</summary>
    public Bounds NewlyStoppedDecent { get; init; }

    /// <summary>Clients that would not be stopped any more.</summary>
    public Bounds NewlyLetIn { get; init; }

    /// <summary>Decent clients that would be told to come back, and were not.</summary>
    public Bounds NewlyToldToComeBack { get; init; }

    /// <summary>Decent clients that would be let in later than they were.</summary>
    public Bounds Delayed { get; init; }

    /// <summary>By how much, if they wait: seconds.</summary>
    public Histogram Delays { get; init; } = new();

    /// <summary>Decent clients that would be let in sooner.</summary>
    public Bounds SpedUp { get; init; }

    /// <summary>By how much: seconds.</summary>
    public Histogram Savings { get; init; } = new();

    /// <summary>For each fact that is missing, the clients whose fate depends on it.</summary>
    public IReadOnlyDictionary<Unknowns, int> Missing { get; init; } = new Dictionary<Unknowns, int>();

    /// <summary>Of those whose silence is not known: an other session of the address was silent for so long.</summary>
    public int SeenPatient { get; init; }

    /// <summary>Some of the decent clients that would be stopped, those first of whom it is certain.</summary>
    public IReadOnlyList<NamedClient> Named { get; init; } = [];
}
