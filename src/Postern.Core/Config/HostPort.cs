using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Config;

/// <summary>The <c>[host]:port</c> form of master.cf service names; brackets are optional but for IPv6.</summary>
/// <param name="Host">A host name or an address without brackets and <c>IPv6:</c>; empty: the default host.</param>
/// <param name="Port">Number or service name; not checked against any list.</param>
public readonly record struct HostPort(string Host, string Port)
{
    /// <param name="defaultHost">Stands for a missing host; null: a lone word is a host and a host is needed.</param>
    /// <param name="defaultPort">Stands for a missing port; null: a lone word is a port and a port is needed.</param>
    /// <param name="problem">Postfix's words: <c>missing "]"</c>.</param>
    public static bool TryParse(
        string text, string? defaultHost, string? defaultPort, out HostPort result, [NotNullWhen(false)] out string? problem)
    {
        result = default;
        string host, port;
        if (text.StartsWith('['))
        {
            var close = text.IndexOf(']');
            if (close < 0)
            {
                problem = "missing \"]\"";
                return false;
            }

            if (close + 1 < text.Length && text[close + 1] != ':')
            {
                problem = "garbage after \"]\"";
                return false;
            }

            (host, port) = (text[1..close], close + 1 < text.Length ? text[(close + 2)..] : "");
        }
        else if (text.LastIndexOf(':') is >= 0 and var colon)
        {
            (host, port) = (text[..colon], text[(colon + 1)..]);
        }
        else
        {
            (host, port) = defaultHost is null ? (text, "") : ("", text);
        }

        if (host.Length == 0)
        {
            if (defaultHost is null)
            {
                problem = "missing host information";
                return false;
            }

            host = defaultHost;
        }

        if (port.Length == 0)
        {
            if (defaultPort is null)
            {
                problem = "missing service information";
                return false;
            }

            port = defaultPort;
        }

        if (host.StartsWith("ipv6:", StringComparison.OrdinalIgnoreCase))
        {
            host = host[5..];
            if (!host.Contains(':') || !HostNameSyntax.IsAddress(host))
            {
                problem = "malformed IPv6 address";
                return false;
            }
        }

        if (host.Length > 0 && HostNameSyntax.Problem(host) is not null && !HostNameSyntax.IsAddress(host))
        {
            problem = "valid hostname or network address required";
            return false;
        }

        if (port.Length > 0 && char.IsAsciiDigit(port[0]) && port.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            problem = "garbage after numerical service";
            return false;
        }

        result = new HostPort(host, port);
        problem = null;
        return true;
    }
}
