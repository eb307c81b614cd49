using Postern.Core.Lanes;
using static Postern.Core.Config.ParameterKind;

namespace Postern.Core.Config;

/// <summary>The slow lanes: a greet wait by reverse name. Each screening service may have values of its own.</summary>
internal static class LaneParameters
{
    /// <summary>Longest wait in seconds, in a byte for every client: well inside the five minutes that a sender waits for the greeting (RFC 5321 §4.5.3.2.1).</summary>
    public const int LongestWait = 240;

    private const string WaitNote = "`$postscreen_greet_wait`; with `postern_starpit = yes`, 85 seconds, and `$postscreen_greet_wait` under stress";

    public static readonly Parameter[] Rows =
    [
        // Strings.
        new("postern_rdns_server_maps", Text, "", ParameterGroup.Postern, "Tables of reverse names (or .domain) of servers, which no slow lane is for; only names that lead back to the address are looked up."),
        new("postern_rdns_generic_maps", Text, "", ParameterGroup.Postern, "Tables of reverse names (or .domain) of end users' lines, in addition to S25R's rules."),
        new("postern_rdns_big_senders", Text, string.Join(", ", BigSenders.All.Select(static row => row.Domain)), ParameterGroup.Postern, "Domains whose servers no slow lane is for, although their names look like end users' lines; docs/slow-lanes.md says where each comes from."),

        // Numbers.
        new("postern_slow_lane_limit", WholeNumber, "5000", ParameterGroup.Postern, "How many clients may stand in slow lanes at a time, four fifths of all that there is room for at most; further ones wait as everybody does.") { Minimum = 1 },
        new("postern_targrey_retry_count", WholeNumber, "1", ParameterGroup.Postern, "How many returns of a client that hung up in a slow lane are answered with 450.") { Minimum = 1 },

        // Times.
        new("postern_greet_wait_generic", Time, "0s", ParameterGroup.Postern, "How long a new client must stay silent whose reverse name looks like an end user's line; 0 and less than postscreen_greet_wait: no longer than others; evaluated with and without stress.") { Maximum = LongestWait, DefaultNote = WaitNote },
        new("postern_greet_wait_unconfirmed", Time, "0s", ParameterGroup.Postern, "The same for a client whose reverse name does not lead back to its address.") { Maximum = LongestWait, DefaultNote = WaitNote },
        new("postern_greet_wait_none", Time, "0s", ParameterGroup.Postern, "The same for a client without a reverse name.") { Maximum = LongestWait, DefaultNote = WaitNote },
        new("postern_slow_lane_keepalive", Time, "0s", ParameterGroup.Postern, "Time between further lines of the greeting for a client in a slow lane; 0: silence.") { Maximum = LongestWait },
        new("postern_targrey_delay", Time, "60s", ParameterGroup.Postern, "A client that hung up in a slow lane and comes back sooner than this is answered with 450, and that does not count as a return.") { Maximum = 3600 },
        new("postern_targrey_retry_window", Time, "2d", ParameterGroup.Postern, "For how long it is remembered that a client hung up in a slow lane.") { Minimum = 1 },

        // Booleans.
        new("postern_starpit", YesNo, "no", ParameterGroup.Postern, "Starpit: all three slow lanes with 85 seconds, as far as they are not set otherwise."),
        new("postern_targrey", YesNo, "no", ParameterGroup.Postern, "taRgrey: whether a client that hung up in a slow lane is answered with 450 when it comes back."),
    ];
}
