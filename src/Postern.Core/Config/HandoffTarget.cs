using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Config;

/// <summary>Where clients go that pass (<c>postern_handoff</c>). Closed: every case is listed here.</summary>
public abstract record HandoffTarget
{
    internal const int LongestSocketPath = 107; // sun_path of Linux without its final NUL

    private HandoffTarget() { }

    /// <summary>A real SMTP server of Postfix's takes the socket itself.</summary>
    /// <param name="SocketPath">Absolute: <c>/var/spool/postfix/private/smtpd</c>.</param>
    public sealed record Pass(string SocketPath) : HandoffTarget;

    /// <summary>The built-in SMTP server.</summary>
    public sealed record Receiver : HandoffTarget;

    /// <summary>Servers that speak SMTP; Postern stays between them and the client.</summary>
    /// <param name="Targets">One or more.</param>
    public sealed record Relay(IReadOnlyList<RelayTarget> Targets) : HandoffTarget
    {
        /// <summary>The targets as log lines name them.</summary>
        public string Name => string.Join(", ", Targets.Select(static target => target.Name));
    }

    /// <param name="queueDirectory">The base of a relative path.</param>
    /// <param name="problem">What is wrong with the text.</param>
    internal static bool TryParse(
        string text, string queueDirectory, [NotNullWhen(true)] out HandoffTarget? target, [NotNullWhen(false)] out string? problem)
    {
        (target, problem) = (null, null);
        if (text == "receiver")
        {
            target = new Receiver();
            return true;
        }

        if (text.StartsWith("pass:", StringComparison.Ordinal) && text.Length > 5)
        {
            var path = text[5] == '/' ? text[5..] : $"{queueDirectory}/{text[5..]}";
            if (path.Length > LongestSocketPath)
            {
                problem = $"bad postern_handoff value: {text}: the socket's path is longer than {LongestSocketPath} bytes";
                return false;
            }

            target = new Pass(path);
            return true;
        }

        if (text.StartsWith("relay:", StringComparison.Ordinal))
            return TryParseRelay(text, queueDirectory, out target, out problem);
        problem = $"bad postern_handoff value: {text}";
        return false;
    }

    private static bool TryParseRelay(
        string text, string queueDirectory, [NotNullWhen(true)] out HandoffTarget? target, [NotNullWhen(false)] out string? problem)
    {
        (target, problem) = (null, null);
        var targets = new List<RelayTarget>();
        foreach (var word in Networks.Words(text))
        {
            if (!RelayTarget.TryParse(word, queueDirectory, out var one, out var reason))
                problem ??= $"bad relay target: {word}: {reason}";
            else if (targets.Any(known => known.Name == one.Name))
                problem ??= $"relay target {one.Name} is named twice";
            else
                targets.Add(one);
        }

        if (problem is not null)
            return false;
        target = new Relay(targets);
        return true;
    }
}
