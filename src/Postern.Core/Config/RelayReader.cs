namespace Postern.Core.Config;

/// <summary>Reads where and how a service relays its clients.</summary>
internal static class RelayReader
{
    private const string LiveTarget = "postern_live_target";
    private const string LiveHandover = "postern_live_handover";
    private const string AuthPassthrough = "postern_auth_passthrough";

    /// <summary>The targets of the hand-over in the middle of a session; null: there is none.</summary>
    public static HandoffTarget.Relay? ReadLiveTarget(ParameterValues values, ProblemList problems)
    {
        const string Remedy = "write relay:tcp:HOST:PORT or relay:unix:PATH, or leave the parameter away";
        var text = values.Text(LiveTarget);
        HandoffTarget? target = null;
        if (text.StartsWith("relay:", StringComparison.Ordinal))
        {
            if (!HandoffTarget.TryParse(text, values.Text("queue_directory"), out target, out var problem) && values.IsSet(LiveTarget))
                problems.Error(values.OriginOf(LiveTarget), problem, Remedy);
        }
        else if (text != values.Text("postern_handoff"))
        {
            problems.Error(values.OriginOf(LiveTarget), $"bad {LiveTarget} value: {text}: only relay targets take a session over", Remedy);
        }
        else
        {
            foreach (var name in ((string[])[LiveHandover, AuthPassthrough]).Where(values.YesNo))
                problems.Error(
                    values.OriginOf(name),
                    $"{name} = yes, but the clients go to {text}, which takes new sessions only",
                    $"set {LiveTarget} to a relay target as well, such as relay:unix:private/smtpd-live");
        }

        return values.YesNo(LiveHandover) || values.YesNo(AuthPassthrough) ? target as HandoffTarget.Relay : null;
    }

    /// <param name="values">The service's.</param>
    /// <param name="targets">Those that it has.</param>
    /// <param name="files">Where authorities are read.</param>
    /// <param name="problems">What is wrong with them.</param>
    public static RelayRules ReadRules(ParameterValues values, IReadOnlyCollection<RelayTarget> targets, ITextFiles files, ProblemList problems)
    {
        var tls = ReadTls(values, problems);
        return new RelayRules
        {
            Announcement = ReadAnnouncement(values, targets, problems),
            Tls = tls,
            TlsAuthorities = targets.Count > 0 && tls is RelayTls.Verify ? ReadAuthorities(values, files, problems) : "",
            MyHostname = values.Text("myhostname"),
            ConnectTimeout = values.Time("postern_relay_connect_timeout"),
            ReplyTimeout = values.Time("postern_relay_reply_timeout"),
            IdleTimeout = values.Time("postern_relay_idle_timeout"),
            ProbeInterval = values.Time("postern_relay_probe_interval"),
        };
    }

    private static RelayTls ReadTls(ParameterValues values, ProblemList problems)
    {
        const string Name = "postern_relay_tls";
        var text = values.Text(Name);
        switch (text)
        {
            case "none": return RelayTls.None;
            case "may": return RelayTls.May;
            case "encrypt": return RelayTls.Encrypt;
            case "verify": return RelayTls.Verify;
        }

        if (text.Length > 0)
            problems.Error(values.OriginOf(Name), $"bad {Name} value: {text}", "write none, may, encrypt or verify");
        return RelayTls.None;
    }

    private static string ReadAuthorities(ParameterValues values, ITextFiles files, ProblemList problems)
    {
        const string Name = "postern_relay_tls_CAfile";
        var path = values.Text(Name);
        if (!files.TryRead(path, out var file, out var reason))
            problems.Error(values.OriginOf(Name) ?? values.OriginOf("postern_relay_tls"), $"open {path}: {reason}", $"name a file of certificates in {Name}; Debian's package ca-certificates has that of the default");
        else if (!file.Text.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal))
            problems.Error(values.OriginOf(Name), $"no certificate in {path}", $"name a file of certificates (PEM) in {Name}");
        return file?.Text ?? "";
    }

    private static RelayAnnouncement ReadAnnouncement(ParameterValues values, IEnumerable<RelayTarget> targets, ProblemList problems)
    {
        const string Name = "postern_relay_announce";
        var text = values.Text(Name);
        if (RelayRules.FindAnnouncement(text) is not { } announcement)
        {
            if (text.Length > 0)
                problems.Error(values.OriginOf(Name), $"bad {Name} value: {text}", "write proxy-v1, proxy-v2, xclient or none");
            return RelayAnnouncement.ProxyV2;
        }

        if (targets.FirstOrDefault(target => (target.Announcement ?? announcement) is RelayAnnouncement.None) is { } one)
            problems.Warning(
                one.Announcement is null ? values.OriginOf(Name) : values.OriginOf(LiveTarget),
                $"{(one.Announcement is null ? Name : one.Name)} = none: the relay target sees every client under Postern's own address",
                "see to it that the target grants that address nothing (mynetworks), or it is an open relay; proxy-v2 is better");
        return announcement;
    }
}
