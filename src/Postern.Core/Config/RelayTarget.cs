using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postern.Core.Config;

/// <summary>A server that clients are relayed to, as the configuration names it: <c>tcp:HOST:PORT=ANNOUNCEMENT*WEIGHT</c> or <c>unix:PATH=ANNOUNCEMENT*WEIGHT</c>.</summary>
/// <param name="Name">As log lines name it, without announcement and weight: <c>tcp:10.0.0.5:25</c>.</param>
/// <param name="SocketPath">The absolute path of a UNIX socket; null: a TCP server.</param>
/// <param name="Host">A name or an address, without brackets; empty for a UNIX socket.</param>
/// <param name="Port">TCP port; 0 for a UNIX socket.</param>
/// <param name="Weight">Its share of the clients; 0: only when no other server is well.</param>
public sealed record RelayTarget(string Name, string? SocketPath, string Host, int Port, int Weight)
{
    /// <summary>The largest weight.</summary>
    public const int MaxWeight = 100;

    private const int LargestPort = 65535;

    /// <summary>How it learns whose client it is given; null: as <c>postern_relay_announce</c> says.</summary>
    public RelayAnnouncement? Announcement { get; init; }

    /// <summary>Reads one target.</summary>
    /// <param name="text">As written, with or without <c>relay:</c> in front.</param>
    /// <param name="queueDirectory">The base of a relative path.</param>
    /// <param name="target">What was read.</param>
    /// <param name="problem">What is wrong with the text.</param>
    internal static bool TryParse(
        string text, string queueDirectory, [NotNullWhen(true)] out RelayTarget? target, [NotNullWhen(false)] out string? problem)
    {
        (target, problem) = (null, null);
        if (text.StartsWith("relay:", StringComparison.Ordinal))
            text = text[6..];
        var (name, weight) = (text, 1);
        if (text.LastIndexOf('*') is >= 0 and var star)
        {
            name = text[..star];
            if (!int.TryParse(text[(star + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out weight) || weight > MaxWeight)
                problem = $"the weight is a number from 0 to {MaxWeight}";
        }

        RelayAnnouncement? announcement = null;
        if (name.LastIndexOf('=') is >= 0 and var equals)
        {
            announcement = RelayRules.FindAnnouncement(name[(equals + 1)..]);
            name = name[..equals];
            if (announcement is null)
                problem ??= "behind = stands proxy-v1, proxy-v2, xclient or none";
        }

        if (problem is null && name.StartsWith("unix:", StringComparison.Ordinal) && name.Length > 5)
        {
            var path = name[5] == '/' ? name[5..] : $"{queueDirectory}/{name[5..]}";
            if (path.Length > HandoffTarget.LongestSocketPath)
                problem = $"the socket's path is longer than {HandoffTarget.LongestSocketPath} bytes";
            else
                target = new RelayTarget(name, path, "", 0, weight) { Announcement = announcement };
        }
        else if (problem is null && name.StartsWith("tcp:", StringComparison.Ordinal))
        {
            if (!HostPort.TryParse(name[4..], null, null, out var endpoint, out problem))
                return false;
            if (int.TryParse(endpoint.Port, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= LargestPort)
                target = new RelayTarget(name, null, endpoint.Host, port, weight) { Announcement = announcement };
            else
                problem = $"the port is a number from 1 to {LargestPort}";
        }
        else
        {
            problem ??= "a relay target is tcp:HOST:PORT or unix:PATH";
        }

        return problem is null && target is not null;
    }
}
