namespace Postern.Core.Reporting;

/// <summary>Why a connection did not get past screening. One connection can have several.</summary>
[Flags]
public enum ScreeningCause
{
    /// <summary>Nothing was said against it.</summary>
    None = 0,

    /// <summary>Talked before its turn.</summary>
    Pregreet = 1,

    /// <summary>On DNS lists.</summary>
    Dnsbl = 2,

    /// <summary>Hung up in the greet wait.</summary>
    HangupBefore = 4,

    /// <summary>Hung up in the dialogue.</summary>
    HangupAfter = 8,

    /// <summary><c>postscreen_access_list</c> says reject.</summary>
    Denylisted = 16,

    /// <summary>Sent commands before the answers.</summary>
    Pipelining = 32,

    /// <summary>Spoke something that is not SMTP.</summary>
    NonSmtpCommand = 64,

    /// <summary>Ended lines without a CR.</summary>
    BareNewline = 128,

    /// <summary>Too many commands, too long a line, or too slow.</summary>
    CommandLimit = 256,

    /// <summary>Too many connections from one address.</summary>
    ConnectionLimit = 512,

    /// <summary>No room: screening or the SMTP server had too much to do.</summary>
    NoRoom = 1024,

    /// <summary>Came to an address that <c>postscreen_allowlist_interfaces</c> excludes.</summary>
    Veto = 2048,

    /// <summary>taRgrey: it hung up in a slow lane, and was told to come back later (<c>postern_targrey</c>).</summary>
    Greylisted = 4096,
}
