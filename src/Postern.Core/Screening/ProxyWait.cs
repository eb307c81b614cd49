using Postern.Core.Config;
using Postern.Core.Proxy;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>
/// The time before a session, when a proxy has connected and has yet to say for whom
/// (<c>postscreen_upstream_proxy_protocol</c>). Nobody is counted and nothing is tested until it has.
/// </summary>
public static class ProxyWait
{
    /// <summary>Whether the peer is a client itself, or a proxy that is waited for, or turned away.</summary>
    /// <param name="settings">The service's.</param>
    /// <param name="peer">Who has connected.</param>
    /// <param name="actions">Takes what is to be done with a peer that is no client.</param>
    /// <returns>True: the peer is a client.</returns>
    public static bool IsClient(Settings settings, IpAddress peer, SessionActions actions)
    {
        if (!settings.UpstreamProxy)
            return true;
        switch (settings.ProxyNetworks?.Match(peer, actions) ?? MatchOutcome.Yes)
        {
            case MatchOutcome.No:
                return true;
            case MatchOutcome.Error:
                Refuse(actions); // to guess either way would test or trust the wrong one
                return false;
            default:
                actions.Watch(WatchMode.Peek);
                actions.WakeAfter(settings.UpstreamProxyTimeout);
                return false;
        }
    }

    /// <summary>Whether the peer is a proxy, for all that can be known; asks without a word.</summary>
    /// <param name="settings">The service's.</param>
    /// <param name="peer">Who has connected.</param>
    public static bool MayBeProxy(Settings settings, IpAddress peer) =>
        settings.UpstreamProxy && settings.ProxyNetworks?.Match(peer, DiscardedWarnings.Instance) is not MatchOutcome.No;

    /// <summary>The proxy has sent something: its header must be whole in the first look.</summary>
    /// <param name="peeked">What came, still in the kernel; empty when the proxy hung up.</param>
    /// <param name="protocols"><c>inet_protocols</c>.</param>
    /// <param name="actions">On failure, takes what is to be done.</param>
    public static bool TryRead(ReadOnlySpan<byte> peeked, InetProtocols protocols, SessionActions actions, out ProxyHeader header)
    {
        header = default;
        if (peeked.IsEmpty)
        {
            Fail("EOF", actions);
            return false;
        }

        if (ProxyHeader.TryParse(peeked, protocols, out header, out var problem))
            return true;
        actions.Text.Append("haproxy read: "u8).Append(problem).Append(": "u8);
        LogText.AppendEscaped(actions.Text, peeked);
        actions.Log(LogSeverity.Warning);
        Refuse(actions);
        return false;
    }

    /// <summary><c>postscreen_upstream_proxy_timeout</c> has run out.</summary>
    public static void OnTimeLimit(SessionActions actions) => Fail("time limit exceeded", actions);

    /// <summary>Turns the peer away; it may try again.</summary>
    public static void Refuse(SessionActions actions)
    {
        actions.Text.Append("421 4.3.2 No system resources\r\n"u8);
        actions.Send();
        actions.Close();
    }

    private static void Fail(string why, SessionActions actions)
    {
        actions.Warn("haproxy read: " + why);
        Refuse(actions);
    }
}
