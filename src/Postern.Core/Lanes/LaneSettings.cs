namespace Postern.Core.Lanes;

/// <summary>The slow lanes of a service: a greet wait by class. There are none unless a class waits longer than the others.</summary>
public sealed record LaneSettings
{
    /// <summary>How clients are classed.</summary>
    public RdnsRules Rules { get; init; } = new();

    /// <summary>The lanes without stress.</summary>
    public LaneWaits Waits { get; init; }

    /// <summary>The lanes under stress.</summary>
    public LaneWaits WaitsUnderStress { get; init; }

    /// <summary><c>postern_slow_lane_keepalive</c>: between lines to a client in the lane; zero: silence.</summary>
    public TimeSpan Keepalive { get; init; }

    /// <summary><c>postern_slow_lane_limit</c>: clients in the lanes at a time.</summary>
    public int Limit { get; init; } = 5000;

    /// <summary><c>postern_targrey</c>; null: who hung up is nobody special when he comes back.</summary>
    public TargreySettings? Targrey { get; init; }
}

/// <summary>How long the clients of each class have to be silent; those of the other classes wait <c>postscreen_greet_wait</c>.</summary>
/// <param name="Generic"><c>postern_greet_wait_generic</c>.</param>
/// <param name="Unconfirmed"><c>postern_greet_wait_unconfirmed</c>.</param>
/// <param name="None"><c>postern_greet_wait_none</c>.</param>
public readonly record struct LaneWaits(TimeSpan Generic, TimeSpan Unconfirmed, TimeSpan None)
{
    /// <summary>The wait of a class; zero: the ordinary one.</summary>
    public TimeSpan Of(RdnsKind kind) => kind switch
    {
        RdnsKind.Generic => Generic,
        RdnsKind.Unconfirmed => Unconfirmed,
        RdnsKind.None => None,
        _ => TimeSpan.Zero,
    };

    /// <summary>The longest of the three.</summary>
    public TimeSpan Longest => TimeSpan.FromTicks(Math.Max(Generic.Ticks, Math.Max(Unconfirmed.Ticks, None.Ticks)));
}

/// <summary>What becomes of a client that hung up in a slow lane and comes back.</summary>
/// <param name="Delay"><c>postern_targrey_delay</c>: what comes back sooner than this is no retry of a mail server.</param>
/// <param name="RetryCount"><c>postern_targrey_retry_count</c>: how many returns are answered with 450.</param>
/// <param name="RetryWindow"><c>postern_targrey_retry_window</c>: for how long the hang-up is remembered.</param>
public sealed record TargreySettings(TimeSpan Delay, int RetryCount, TimeSpan RetryWindow);
