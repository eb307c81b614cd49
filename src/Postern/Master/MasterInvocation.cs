using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Master;

/// <summary>
/// What Postfix's master(8) tells a program that it starts, by its arguments and environment:
/// <c>postern -l -n smtp -t inet -u -c -o name=value</c>, with the listening sockets from descriptor 6 on.
/// </summary>
internal sealed record MasterInvocation
{
    private const string DefaultName = "postern";

    /// <summary>The first field of the line in master.cf (<c>-n</c>).</summary>
    public required string ServiceName { get; init; }

    /// <summary>The second (<c>-t</c>).</summary>
    public required string Type { get; init; }

    /// <summary>Whether the line allows one process only (<c>-l</c>), as it must.</summary>
    public required bool IsLimitedToOne { get; init; }

    /// <summary>Whether to stay in the queue directory (<c>-c</c>).</summary>
    public required bool IsJailed { get; init; }

    /// <summary>How many sockets it listens on for us (<c>-s</c>).</summary>
    public required int ListenerCount { get; init; }

    /// <summary>The line's overrides, an <c>-o</c> before each. Latin-1: a character a byte.</summary>
    public required IReadOnlyList<string> Overrides { get; init; }

    /// <summary>Which reading of master.cf this process belongs to; the master wants it back in each report.</summary>
    public required uint Generation { get; init; }

    /// <summary>Where main.cf is.</summary>
    public required string ConfigDirectory { get; init; }

    /// <summary>Whether these are the arguments of a daemon rather than those of somebody at a terminal.</summary>
    public static bool IsMeantBy(IReadOnlyList<string> arguments) => arguments.Count > 0 && arguments[0].StartsWith('-') && arguments.Contains("-t");

    /// <param name="environment">The value of a variable; null: it is not set.</param>
    /// <param name="problem">In Postfix's words.</param>
    public static bool TryRead(
        IReadOnlyList<string> arguments,
        Func<string, string?> environment,
        [NotNullWhen(true)] out MasterInvocation? invocation,
        [NotNullWhen(false)] out string? problem)
    {
        invocation = null;
        if (!DaemonOptions.TryRead([.. arguments.Select(Latin1.OfText)], out var options, out problem))
            return false;
        if (!TryParseOctal(environment("GENERATION"), out var generation))
        {
            problem = "do not run this command by hand: these are arguments of Postfix's master";
            return false;
        }

        var sockets = Last('s') ?? "1";
        if (!int.TryParse(sockets, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > 1024)
        {
            problem = $"invalid socket_count: {sockets}";
            return false;
        }

        invocation = new MasterInvocation
        {
            ServiceName = Last('n') ?? DefaultName,
            Type = Last('t') ?? "",
            IsLimitedToOne = Has('l'),
            IsJailed = Has('c'),
            ListenerCount = count,
            Overrides = [.. options.Options.Where(static option => option.Letter == 'o').SelectMany(static option => (string[])["-o", option.Value!])],
            Generation = generation,
            ConfigDirectory = environment("MAIL_CONFIG") is { Length: > 0 } directory ? directory : "/etc/postfix",
        };
        return true;

        string? Last(char letter) => options.Options.LastOrDefault(option => option.Letter == letter).Value;

        bool Has(char letter) => options.Options.Any(option => option.Letter == letter);
    }

    /// <summary>The line of master.cf, as far as the arguments tell.</summary>
    public MasterCfEntry ToEntry() => new(
        ServiceName, Type, IsPrivate: false, IsUnprivileged: true, IsJailed, WakeUp: 0, ProcessLimit: 1, "postern", Overrides, default)
    {
        Endpoint = HostPort.TryParse(ServiceName, defaultHost: "", defaultPort: null, out var endpoint, out _) ? endpoint : default,
    };

    private static bool TryParseOctal(string? text, out uint number)
    {
        number = 0;
        if (string.IsNullOrEmpty(text) || text.Length > 11 || text.AsSpan().ContainsAnyExceptInRange('0', '7'))
            return false;
        foreach (var digit in text)
            number = number * 8 + (uint)(digit - '0');
        return true;
    }
}
