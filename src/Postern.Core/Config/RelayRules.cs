namespace Postern.Core.Config;

/// <summary>How a server learns whose client it is given (<c>postern_relay_announce</c>).</summary>
public enum RelayAnnouncement
{
    /// <summary>Not at all: it takes Postern for the client.</summary>
    None,

    /// <summary>The PROXY protocol, version 1: a line of text.</summary>
    ProxyV1,

    /// <summary>The PROXY protocol, version 2: binary, with the facts of the client's TLS and a unique id.</summary>
    ProxyV2,

    /// <summary>The XCLIENT command, which the server has to offer in its EHLO reply.</summary>
    Xclient,
}

/// <summary>Whether a server is talked to inside TLS (<c>postern_relay_tls</c>).</summary>
public enum RelayTls
{
    /// <summary>Never.</summary>
    None,

    /// <summary>If it offers STARTTLS and it works; whatever its certificate.</summary>
    May,

    /// <summary>Or not at all; whatever its certificate.</summary>
    Encrypt,

    /// <summary>Or not at all, and its certificate has to be valid for the target's name.</summary>
    Verify,
}

/// <summary>How clients are relayed.</summary>
public sealed record RelayRules
{
    /// <summary><c>postern_relay_announce</c>.</summary>
    public RelayAnnouncement Announcement { get; init; } = RelayAnnouncement.ProxyV2;

    /// <summary>The announcement comes before everything else on the connection, and has no reply: a header of the PROXY protocol.</summary>
    public bool HasHeader => Announcement is RelayAnnouncement.ProxyV1 or RelayAnnouncement.ProxyV2;

    /// <summary>A value of <c>postern_relay_announce</c> as it is written.</summary>
    public static string NameOf(RelayAnnouncement announcement) => announcement switch
    {
        RelayAnnouncement.ProxyV1 => "proxy-v1",
        RelayAnnouncement.ProxyV2 => "proxy-v2",
        RelayAnnouncement.Xclient => "xclient",
        _ => "none",
    };

    /// <summary>The value that is written so; null: there is none of this name.</summary>
    internal static RelayAnnouncement? FindAnnouncement(string name)
    {
        foreach (var announcement in Enum.GetValues<RelayAnnouncement>())
        {
            if (name == NameOf(announcement))
                return announcement;
        }

        return null;
    }

    /// <summary><c>myhostname</c>, for our own EHLO.</summary>
    public string MyHostname { get; init; } = "localhost";

    /// <summary><c>postern_relay_tls</c>; of no effect for UNIX sockets.</summary>
    public RelayTls Tls { get; init; }

    /// <summary>What <c>postern_relay_tls_CAfile</c> holds: certificates in PEM; empty: nobody is asked for one.</summary>
    public string TlsAuthorities { get; init; } = "";

    /// <summary><c>postern_relay_connect_timeout</c>: until a server has taken the connection.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>postern_relay_reply_timeout</c>: for the greeting and for each reply.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>postern_relay_idle_timeout</c>: how long nothing may move in a relayed session.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(900);

    /// <summary><c>postern_relay_probe_interval</c>: how often each server is asked how it is and what it offers.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(300);
}
