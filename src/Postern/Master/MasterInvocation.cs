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
        var options = new Options();
        if ((problem = options.Read(arguments)) is not null)
            return false;
        if (!TryParseOctal(environment("GENERATION"), out var generation))
        {
            problem = "do not run this command by hand: these are arguments of Postfix's master";
            return false;
        }

        if (!int.TryParse(options.Sockets, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > 1024)
        {
            problem = $"invalid socket_count: {options.Sockets}";
            return false;
        }

        invocation = new MasterInvocation
        {
            ServiceName = options.Name,
            Type = options.Type,
            IsLimitedToOne = options.IsLimitedToOne,
            IsJailed = options.IsJailed,
            ListenerCount = count,
            Overrides = options.Overrides,
            Generation = generation,
            ConfigDirectory = environment("MAIL_CONFIG") is { Length: > 0 } directory ? directory : "/etc/postfix",
        };
        return true;
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

    /// <summary>The arguments by getopt(3)'s rules: letters may stand together, a value may follow its letter directly.</summary>
    private sealed class Options
    {
        private const string WithValue = "imnost";
        private const string WithoutValue = "cdDluvVz";

        public string Name { get; private set; } = DefaultName;

        public string Type { get; private set; } = "";

        public string Sockets { get; private set; } = "1";

        public bool IsLimitedToOne { get; private set; }

        public bool IsJailed { get; private set; }

        public List<string> Overrides { get; } = [];

        public string? Read(IReadOnlyList<string> arguments)
        {
            for (var i = 0; i < arguments.Count; i++)
            {
                var argument = Latin1.OfText(arguments[i]);
                if (argument.Length < 2 || argument[0] != '-')
                    return $"unexpected command-line argument: {argument}";
                for (var at = 1; at < argument.Length; at++)
                {
                    var letter = argument[at];
                    if (WithoutValue.Contains(letter))
                    {
                        IsLimitedToOne |= letter == 'l';
                        IsJailed |= letter == 'c';
                        continue;
                    }

                    if (!WithValue.Contains(letter))
                        return $"invalid option -- '{letter}'";
                    var isNext = at + 1 == argument.Length;
                    if (isNext && ++i == arguments.Count)
                        return $"option requires an argument -- '{letter}'";
                    Take(letter, isNext ? Latin1.OfText(arguments[i]) : argument[(at + 1)..]);
                    break;
                }
            }

            return null;
        }

        private void Take(char letter, string value)
        {
            switch (letter)
            {
                case 'n': Name = value; break;
                case 't': Type = value; break;
                case 's': Sockets = value; break;
                case 'o':
                    Overrides.Add("-o");
                    Overrides.Add(value);
                    break;
            }
        }
    }
}
