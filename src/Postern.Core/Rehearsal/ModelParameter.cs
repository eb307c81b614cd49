namespace Postern.Core.Rehearsal;

/// <summary>One number or curve of the traffic model, and where it comes from. All of them are rows here.</summary>
/// <param name="Name">As <c>--set</c> takes it.</param>
/// <param name="Default">A number, or the points of a <see cref="Curve"/>.</param>
/// <param name="Most">The largest number; null: the value is a curve.</param>
/// <param name="Summary">What it is.</param>
/// <param name="Source">Who measured it, or that it is assumed.</param>
public sealed record ModelParameter(string Name, string Default, double? Most, string Summary, string Source)
{
    private const string Assumed = "assumed";
    private const string Stats2011 = "Postscreen-Stats, a log of 2011";
    private const string Siebenmann = "C. Siebenmann, 28 days of 2006, 46,583 refused hosts";
    private const string Levine = "J. Levine, CircleID part II, 10,616 greylisted hosts in a week";
    private const string S25R = "S25R, July 2006: 4,423 hosts that sent spam, 98.2 % matched a rule";

    public static readonly ModelParameter Hours = new("hours", "4", 48, "Hours in which clients arrive; retries may come later.", Assumed);
    public static readonly ModelParameter Scale = new("scale", "1", 3, "Multiplies mails and bots.", "none: a matter of patience");
    public static readonly ModelParameter Mails = new("mails", "800", 10_000, "Mails that honest senders have for us.", "assumed: with the bots' tries these make 45 % of the connections, as on the published site");
    public static readonly ModelParameter Known = new("honest_known", "0.84", 1, "Share of them whose sender is on the temporary allowlist already.", Stats2011 + ": 8,391 PASS OLD, 1,600 PASS NEW");
    public static readonly ModelParameter Large = new("honest_large", "0.3", 1, "Share of the other senders that retry as one of ten large providers does, the rest as Postfix does.", "assumed; the schedules: Pagani et al., DSN 2016; postconf(5)");
    public static readonly ModelParameter HonestThink = new("honest_think", "0.2", 10, "Seconds between a reply and an honest sender's next command.", Assumed);
    public static readonly ModelParameter HonestGeneric = new("honest_generic", "0.03", 1, "Share of small honest servers with an end user's name.", "assumed: \"many honest servers match\", S25R's author 2007");
    public static readonly ModelParameter ShortPatience = new("honest_short_patience", "0.01", 1, "Share of small honest servers that wait 30 seconds for the greeting; the others wait five minutes (RFC 5321).", "30 s: qpsmtpd's documentation; share assumed, servers' names only");
    public static readonly ModelParameter Bots = new("bots", "500", 20_000, "Hosts that send spam.", "assumed");
    public static readonly ModelParameter Tries = new("bot_tries", "1:0.60 2:0.77 3:0.844 4:0.885 10:0.965 20:1", null, "Share of bots that give up after so many connections.", Siebenmann);
    public static readonly ModelParameter RetryAfter = new("bot_retry_after", "60:0.49 7200:1", null, "Share of retries that come within so many seconds of the try before.", Levine + ": 31.5 of 64.2 % within a minute; the rest assumed to be within two hours");
    public static readonly ModelParameter EarlyTalk = new("bot_early_talk", "0.36", 1, "Share of bots that talk before the greeting.", Stats2011 + ": 181 of the 505 clients that were blocked");
    public static readonly ModelParameter TalkAfter = new("bot_talks_after", "0.3:0.7 3:0.9 20:1", null, "Share of early talkers that have talked after so many seconds.", "seven captures in tests of log tools (0.05 to 2.6 s); the tail assumed");
    public static readonly ModelParameter Patient = new("bot_patient", "0.07", 1, "Share of the others that wait for ever.", "Starpit: 93 % stopped at 65 s");
    public static readonly ModelParameter Patience = new("bot_patience", "3:0.85 10:0.6 65:0.35 125:0.03 180:0", null, "Share of the impatient that is still there after so many seconds of silence.", "40 % gone at 10 s: conoha.qmail.jp; 65 % at 65 s, nearly all a little after two minutes: Wakayama University 2007; 3 s: OpenBSD spamd 2006");
    public static readonly ModelParameter BotThink = new("bot_think", "0.1", 10, "Seconds between a reply and a bot's next command.", Assumed);
    public static readonly ModelParameter Refused = new("bot_refused", "0.5", 1, "Share of bots whose mail the mail server refuses: no such sender's domain.", Assumed);
    public static readonly ModelParameter ForgedHelo = new("bot_forged_helo", "0.23", 1, "Share of bots that greet with our own name.", "S25R, July 2006: 998 of 4,423");
    public static readonly ModelParameter Pipelining = new("bot_pipelining", "0.006", 1, "Share of bots that send commands without waiting for the replies.", Stats2011 + ": 13 of 2,131 clients");
    public static readonly ModelParameter NonSmtp = new("bot_non_smtp", "0.006", 1, "Share of bots that speak HTTP.", Stats2011 + ": 12 of 2,131 clients, NON-SMTP COMMAND");
    public static readonly ModelParameter BareNewline = new("bot_bare_newline", "0.0005", 1, "Share of bots that end lines in LF alone.", Stats2011 + ": 1 of 2,131 clients");
    public static readonly ModelParameter Flood = new("bot_command_flood", "0.014", 1, "Share of bots that send 40 useless commands.", Stats2011 + ": 30 of 2,131 clients, COMMAND COUNT LIMIT");
    public static readonly ModelParameter Listed = new("bot_listed", "0.7", 1, "Share of bots that DNS lists know.", Stats2011 + ": 463 of 2,131 clients, taken to be bots, of whom there are about 660");
    public static readonly ModelParameter Overlap = new("list_overlap", "0.6", 1, "Share of what DNS lists know that a single list knows; one of them always does.", Assumed);
    public static readonly ModelParameter Praised = new("honest_praised", "0.5", 1, "Share of honest senders that lists of good senders know, those with a negative weight.", Assumed);
    public static readonly ModelParameter DnsDelay = new("dns_answers_after", "0.02:0.5 0.1:0.9 2:0.99 5:1", null, "Share of DNS answers that are there after so many seconds.", Assumed);
    public static readonly ModelParameter DnsLost = new("dns_lost", "0.002", 0.5, "Share of DNS questions that get no answer.", "assumed; the tail: docker-mailserver issue 1742");
    public static readonly ModelParameter DnsTtl = new("dns_ttl", "300", 86_400, "Seconds that DNS answers may be remembered at least.", Assumed);
    public static readonly ModelParameter DnsTtlSpread = new("dns_ttl_spread", "0", 86_400, "And up to so many seconds more, by name.", "none: to see what depends on it");
    public static readonly ModelParameter Moods = new("moods", "0", 1, "Share of the visits after a sender's first at which it behaves otherwise: it talks early, leaves, is slow, or breaks a rule.", "none: to see what depends on it");
    public static readonly ModelParameter FixedVisits = new("fixed_visits", "4", 20, "With --visits fixed, how many visits an honest sender makes at most; bots make all their tries.", Assumed);
    public static readonly ModelParameter NoName = new("bot_no_name", "0.23", 1, "Share of bots without a reverse name.", "assumed, as part of " + S25R);
    public static readonly ModelParameter Unconfirmed = new("bot_unconfirmed", "0.15", 1, "Share of bots whose name does not lead back.", "assumed, as part of " + S25R);
    public static readonly ModelParameter ServerName = new("bot_server_name", "0.018", 1, "Share of bots with a server's name; the rest has an end user's.", S25R);

    /// <summary>All of them, in the order in which they are shown.</summary>
    public static IReadOnlyList<ModelParameter> All { get; } =
    [
        Hours, Scale, Mails, Known, Large, HonestThink, HonestGeneric, ShortPatience, Praised,
        Bots, Tries, RetryAfter, EarlyTalk, TalkAfter, Patient, Patience, BotThink, Refused,
        ForgedHelo, Pipelining, NonSmtp, BareNewline, Flood, NoName, Unconfirmed, ServerName,
        Listed, Overlap, DnsDelay, DnsLost, DnsTtl, DnsTtlSpread, Moods, FixedVisits,
    ];
}
