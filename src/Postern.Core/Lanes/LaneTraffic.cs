namespace Postern.Core.Lanes;

/// <summary>What happened to a client because of its class.</summary>
public enum LaneEvent
{
    /// <summary>Its class is decided; for those who were gone or handed over by then it never is.</summary>
    Class,

    /// <summary>It stands in the lane.</summary>
    Enter,

    /// <summary>It has been silent to the end.</summary>
    Waited,

    /// <summary>It has hung up, in the lane or on its way there.</summary>
    Hangup,

    /// <summary>It has said QUIT in the lane: it has hung up politely.</summary>
    Quit,

    /// <summary>It spoke before its turn.</summary>
    Pregreet,

    /// <summary>A DNS list has praised it.</summary>
    Praised,

    /// <summary>The daemon stopped, or gave it up.</summary>
    Stopped,

    /// <summary>The lane was full: it waited as everybody does.</summary>
    Full,

    /// <summary>Stress mode had shortened its wait to the ordinary one.</summary>
    Closed,

    /// <summary>It had hung up before: its recipients get 450.</summary>
    Greylisted,

    /// <summary>It had hung up before, and has come back often enough.</summary>
    Returned,
}

/// <summary>The slow lanes of one service: who stands there, who hung up there, and how often what happened.</summary>
public sealed class LaneTraffic
{
    private static readonly int Events = Enum.GetValues<LaneEvent>().Length;
    private readonly long[] _counts = new long[Enum.GetValues<RdnsKind>().Length * Events];

    /// <summary>Clients in the lanes.</summary>
    public int Standing { get; private set; }

    /// <summary>Most clients that the daemon has room for in lanes, whatever <c>postern_slow_lane_limit</c> says.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>Who hung up.</summary>
    public HangupMemory Hangups { get; } = new();

    /// <summary>How often it has happened to clients of a class since the start.</summary>
    public long Count(RdnsKind kind, LaneEvent what) => _counts[(int)kind * Events + (int)what];

    /// <summary>Counts an event.</summary>
    public void Note(RdnsKind kind, LaneEvent what) => _counts[(int)kind * Events + (int)what]++;

    /// <summary>All counts in a line: <c>named class=20; generic class=3 enter=3 waited=1 hangup=2</c>.</summary>
    /// <returns>Null: nothing has happened.</returns>
    public string? Describe()
    {
        var classes = new List<string>();
        foreach (var kind in Enum.GetValues<RdnsKind>())
        {
            var counts = Enum.GetValues<LaneEvent>().Where(what => Count(kind, what) > 0)
                .Select(what => $" {what.ToString().ToLowerInvariant()}={Count(kind, what)}").ToList();
            if (counts.Count > 0)
                classes.Add(RdnsVerdict.WordOf(kind) + string.Concat(counts));
        }

        return classes.Count == 0 ? null : string.Join("; ", classes);
    }

    /// <summary>A client comes into a lane.</summary>
    public void Enter() => Standing++;

    /// <summary>A client leaves its lane.</summary>
    public void Leave() => Standing--;
}
