namespace Postern.Core.Reporting;

/// <summary>The causes in the administrator's words, and as names of fields.</summary>
public static class CauseText
{
    /// <summary>A few words.</summary>
    public static string Words(ScreeningCause cause) => cause switch
    {
        ScreeningCause.Pregreet => "talked before the greeting",
        ScreeningCause.Dnsbl => "on DNS lists",
        ScreeningCause.HangupBefore => "hung up in the greet wait",
        ScreeningCause.HangupAfter => "hung up in the dialogue",
        ScreeningCause.Denylisted => "denied by the access list",
        ScreeningCause.Pipelining => "pipelined commands",
        ScreeningCause.NonSmtpCommand => "spoke no SMTP",
        ScreeningCause.BareNewline => "bare newlines",
        ScreeningCause.CommandLimit => "broke a command limit",
        ScreeningCause.ConnectionLimit => "too many connections",
        ScreeningCause.NoRoom => "no room",
        ScreeningCause.Veto => "allowlist veto",
        ScreeningCause.Greylisted => "greylisted",
        _ => "no cause in the log",
    };

    /// <summary>In snake case.</summary>
    public static string Name(ScreeningCause cause) => cause switch
    {
        ScreeningCause.Pregreet => "pregreet",
        ScreeningCause.Dnsbl => "dnsbl",
        ScreeningCause.HangupBefore => "hangup_before_handshake",
        ScreeningCause.HangupAfter => "hangup_after_handshake",
        ScreeningCause.Denylisted => "denylisted",
        ScreeningCause.Pipelining => "pipelining",
        ScreeningCause.NonSmtpCommand => "non_smtp_command",
        ScreeningCause.BareNewline => "bare_newline",
        ScreeningCause.CommandLimit => "command_limit",
        ScreeningCause.ConnectionLimit => "connection_limit",
        ScreeningCause.NoRoom => "no_room",
        ScreeningCause.Veto => "allowlist_veto",
        ScreeningCause.Greylisted => "greylisted",
        _ => "none",
    };
}
