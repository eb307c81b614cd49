using System.Text;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;

namespace Postern.Core.Checks;

/// <summary>
/// Has made-up clients speak with real sessions, one concern of the settings at a time, and listens to what these warn of.
/// Nobody is let past: every command gets its answer, whatever the settings do with clients.
/// </summary>
internal sealed class DialogueTrial(ScreeningService service, FindingList findings)
{
    // Together they draw every reply that a session has for its client.
    private static readonly string[][] Dialogues =
    [
        ["EHLO client.example", "MAIL FROM:<sender@example.com>", "RCPT TO:<recipient@example.com>", "RCPT", "MAIL", "RSET", "RCPT TO:<x@example.com>", "VRFY x", "ETRN x", "NOOP", "XYZZY", "QUIT"],
        ["MAIL FROM:<sender@example.com>", "HELO", "EHLO", "HELO client.example", "MAIL FROM:<", "DATA"],
        ["EHLO client.example", "MAIL FROM:<sender@example.com>", "DATA"],
        ["EHLO client.example", "BDAT 0"],
        ["Subject: x"],
    ];

    private readonly SessionActions _actions = new();

    public void Run()
    {
        var plain = service.Settings with
        {
            AccessList = AccessList.Empty,
            AllowlistInterfaces = MatchList.Everything,
            ProxyNetworks = null,
            DnsblSites = null,
            Lanes = null,
            GreetBanner = "wait",
            GreetAction = FailAction.Enforce,
            LiveHandover = false,
            AuthPassthrough = false,
            CommandFilter = null,
            RejectFooter = "",
            RejectFooterMaps = null,
            DiscardEhloKeywordAddressMaps = null,
            ForbiddenCommands = null,
        };
        var (own, origin) = (service.Settings, (Func<string, ConfigOrigin?>)service.OriginOf);
        Try(plain with { CommandFilter = own.CommandFilter }, origin("postscreen_command_filter"), "mend the table; until then clients hear 421");
        Try(plain with { RejectFooter = own.RejectFooter, RejectFooterMaps = own.RejectFooterMaps }, origin("postscreen_reject_footer_maps") ?? origin("postscreen_reject_footer"), "mend the footer; until then these rejections go without it");
        Try(plain with { DiscardEhloKeywordAddressMaps = own.DiscardEhloKeywordAddressMaps }, origin("postscreen_discard_ehlo_keyword_address_maps"), "mend the table; until then clients hear 421 to EHLO");
        Try(plain with { ForbiddenCommands = own.ForbiddenCommands, NonSmtpCommandEnable = true }, origin("postscreen_forbidden_commands"), "mend the list; until then it forbids nothing");
    }

    private void Try(Settings settings, ConfigOrigin? origin, string remedy)
    {
        foreach (var (isEarly, dialogue) in Dialogues.SelectMany(static dialogue => ((bool, string[])[])[(true, dialogue), (false, dialogue)]))
            Speak(isEarly ? settings : settings with { PipeliningEnable = true }, isEarly, dialogue, origin, remedy);
    }

    /// <param name="isEarly">Whether the client has talked before its turn; else the tests after the greeting keep it here.</param>
    private void Speak(Settings settings, bool isEarly, string[] dialogue, ConfigOrigin? origin, string remedy)
    {
        var moment = new Moment(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(1), UnderStress: false);
        var client = new ClientAddressState(settings.Protocols.IPv4 ? IpAddress.FromIPv4(0xc633644d) : IpAddress.FromBytes([0x20, 1, 0xd, 0xb8, .. new byte[11], 77])) { Concurrency = 1 };
        var session = new Session(settings, new ServiceLoad(), client, clientPort: 40000, new Endpoint(client.Address, 25));
        session.OnConnected(allowlist: null, moment, _actions);
        if (isEarly)
            session.OnReadable("EHLO client.example\r\n"u8, moment, _actions);
        else
            session.OnTimer(moment, _actions);
        foreach (var line in dialogue)
            session.OnReceived(Encoding.Latin1.GetBytes(line + "\r\n"), moment, _actions);
        session.OnTimer(moment, _actions); // its last command never comes
        session.OnGone();

        var warnings = _actions.All.Where(static action => action is { Kind: ActionKind.Log, Severity: not LogSeverity.Info }).Select(action => Encoding.Latin1.GetString(_actions.BytesOf(action))).ToList();
        _actions.Clear();
        findings.AddOfClient(warnings, origin, remedy);
    }
}
