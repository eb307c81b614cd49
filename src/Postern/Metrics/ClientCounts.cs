using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Metrics;

/// <summary>What the temporary allowlist had of a client.</summary>
internal enum Recall : byte
{
    /// <summary>All that is needed: no test was due.</summary>
    Hit,

    /// <summary>A record, but a test was due again, or has become due.</summary>
    Due,

    /// <summary>Nothing.</summary>
    Miss,
}

/// <summary>Counts the clients that have left, on the loop's thread: a few additions each.</summary>
internal sealed class ClientCounts
{
    private static readonly int Tests = ScreeningTest.All.Length;
    private static readonly int Actions = Enum.GetValues<FailAction>().Length;

    private readonly long[] _outcomes = new long[Enum.GetValues<Outcome>().Length];
    private readonly long[] _entrances = new long[Enum.GetValues<Entrance>().Length];
    private readonly long[] _causes = new long[32]; // by bit
    private readonly long[,] _passed = new long[Tests, Actions];
    private readonly long[,] _failed = new long[Tests, Actions];
    private readonly long[] _recalls = new long[Enum.GetValues<Recall>().Length];

    /// <summary>How long early talkers were silent.</summary>
    public BucketCounts Pregreet { get; } = new(0.1, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30);

    /// <summary>How long those stayed who hung up in the greet wait.</summary>
    public BucketCounts Hangup { get; } = new(0.1, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30);

    /// <summary>How long the mail server took to take a client.</summary>
    public BucketCounts Handoff { get; } = new(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 100);

    /// <summary>Clients that the server could not be given.</summary>
    public long HandoffFailures { get; private set; }

    /// <summary>Clients that ended so.</summary>
    public long Of(Outcome outcome) => _outcomes[(int)outcome];

    /// <summary>Clients handed off that came in so.</summary>
    public long Of(Entrance entrance) => _entrances[(int)entrance];

    /// <summary>Clients stopped that had this cause, perhaps among others.</summary>
    public long Of(ScreeningCause cause) => _causes[System.Numerics.BitOperations.TrailingZeroCount((int)cause)];

    /// <summary>Clients that passed a test, by what a failure would have led to.</summary>
    public long Passed(ScreeningTest test, FailAction action) => _passed[test.Column, (int)action];

    /// <summary>Clients that failed a test, by what that led to.</summary>
    public long Failed(ScreeningTest test, FailAction action) => _failed[test.Column, (int)action];

    /// <summary>Clients that were looked for in the temporary allowlist, by what it had.</summary>
    public long Of(Recall recall) => _recalls[(int)recall];

    /// <summary>Counts a client.</summary>
    /// <param name="session">One with facts, that the loop is through with.</param>
    public void Add(Session session)
    {
        var facts = session.Facts!;
        _outcomes[(int)facts.Outcome]++;
        if (facts.IsHandedOff)
        {
            _entrances[(int)facts.Entrance]++;
            Handoff.Add(facts.HandoffLasted.TotalSeconds);
        }
        else
        {
            for (var bits = (uint)facts.Causes; bits != 0; bits &= bits - 1)
                _causes[System.Numerics.BitOperations.TrailingZeroCount(bits)]++;
        }

        foreach (var test in ScreeningTest.All)
        {
            if (facts.Failed.Has(test))
                _failed[test.Column, (int)test.Action(session.Settings)]++;
            else if (facts.Passed.Has(test))
                _passed[test.Column, (int)test.Action(session.Settings)]++;
        }

        if (facts.WasLookedFor)
            _recalls[(int)(facts.Record is null ? Recall.Miss : facts.Entrance is Entrance.Known ? Recall.Hit : Recall.Due)]++;

        if (facts.PregreetLength > 0)
            Pregreet.Add(facts.PregreetAfter.TotalSeconds);
        if (facts.HungUpAfter is { } after && facts.Causes.HasFlag(ScreeningCause.HangupBefore))
            Hangup.Add(after.TotalSeconds);
        HandoffFailures += facts.HandoffProblem is null ? 0 : 1;
    }
}
