using System.Collections.Immutable;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>A screening test: one row. <see cref="All"/> stands in the column order of a cache record: append only.</summary>
public sealed class ScreeningTest
{
    private ScreeningTest(int column, string name)
    {
        Column = column;
        Name = name;
    }

    /// <summary>Place in a cache record, from 0.</summary>
    public int Column { get; }

    /// <summary>Postfix's name of the test.</summary>
    public string Name { get; }

    /// <summary>Runs before the 220 greeting; the others run in the dialogue after it.</summary>
    public required bool IsEarly { get; init; }

    /// <summary>As which cause a failure counts.</summary>
    public required ScreeningCause Cause { get; init; }

    /// <summary>Whether the configuration asks for it.</summary>
    public required Func<Settings, bool> IsEnabled { get; init; }

    /// <summary>What to do with a client that fails it.</summary>
    public required Func<Settings, FailAction> Action { get; init; }

    /// <summary>How long a pass counts.</summary>
    public required Func<Settings, TimeSpan> Ttl { get; init; }

    /// <summary>The last words to a client that is dropped for it.</summary>
    public required Reply Farewell { get; init; }

    /// <summary>The answer to every recipient of a client that failed it (enforce).</summary>
    public Reply Rejection { get; init; } = new("550 5.5.1 Protocol error");

    private static readonly Reply ProtocolError = new("521 5.5.1 Protocol error");

    /// <summary>The client speaks before its turn.</summary>
    public static readonly ScreeningTest Pregreet = new(0, "pregreet")
    {
        IsEarly = true,
        Cause = ScreeningCause.Pregreet,
        IsEnabled = static s => s.GreetBanner.Length > 0,
        Action = static s => s.GreetAction,
        Ttl = static s => s.GreetTtl,
        Farewell = ProtocolError,
    };

    /// <summary>The client is on DNS lists. The replies also name the list, see <see cref="EarlyPhase"/>.</summary>
    public static readonly ScreeningTest Dnsbl = new(1, "dnsbl")
    {
        IsEarly = true,
        Cause = ScreeningCause.Dnsbl,
        IsEnabled = static s => s.DnsblSites is not null,
        Action = static s => s.DnsblAction,
        Ttl = static s => s.DnsblMinTtl,
        Farewell = new("521 5.7.1 Service unavailable"),
        Rejection = new("550 5.7.1 Service unavailable"),
    };

    /// <summary>The client sends commands without waiting for the replies.</summary>
    public static readonly ScreeningTest Pipelining = new(2, "pipelining")
    {
        IsEarly = false,
        Cause = ScreeningCause.Pipelining,
        IsEnabled = static s => s.PipeliningEnable,
        Action = static s => s.PipeliningAction,
        Ttl = static s => s.PipeliningTtl,
        Farewell = ProtocolError,
    };

    /// <summary>The client speaks another language than SMTP.</summary>
    public static readonly ScreeningTest NonSmtpCommand = new(3, "non-SMTP command")
    {
        IsEarly = false,
        Cause = ScreeningCause.NonSmtpCommand,
        IsEnabled = static s => s.NonSmtpCommandEnable,
        Action = static s => s.NonSmtpCommandAction,
        Ttl = static s => s.NonSmtpCommandTtl,
        Farewell = new("521 5.7.0 Error: I can break rules, too. Goodbye."),
    };

    /// <summary>The client ends a line in LF without CR.</summary>
    public static readonly ScreeningTest BareNewline = new(4, "bare newline")
    {
        IsEarly = false,
        Cause = ScreeningCause.BareNewline,
        IsEnabled = static s => s.BareNewlineEnable,
        Action = static s => s.BareNewlineAction,
        Ttl = static s => s.BareNewlineTtl,
        Farewell = ProtocolError,
    };

    /// <summary>Every test, in column order.</summary>
    public static ImmutableArray<ScreeningTest> All { get; } = [Pregreet, Dnsbl, Pipelining, NonSmtpCommand, BareNewline];

    /// <summary>The tests that run in the dialogue.</summary>
    public static ImmutableArray<ScreeningTest> Deep { get; } = [Pipelining, NonSmtpCommand, BareNewline];

    /// <summary>Which tests the configuration asks for.</summary>
    public static EnabledTests EnabledIn(Settings settings) => new(
        Pregreet.IsEnabled(settings), Dnsbl.IsEnabled(settings), Pipelining.IsEnabled(settings),
        NonSmtpCommand.IsEnabled(settings), BareNewline.IsEnabled(settings));

    /// <summary>How long passes count at most.</summary>
    public static PassLifetimes LifetimesIn(Settings settings) => new(
        settings.GreetTtl, settings.DnsblMaxTtl, settings.PipeliningTtl, settings.NonSmtpCommandTtl, settings.BareNewlineTtl);

    /// <summary>When the pass of this test expires, seconds since 1970 UTC.</summary>
    public uint ExpiryIn(in TestExpiry expiry) => Column switch
    {
        0 => expiry.Pregreet,
        1 => expiry.Dnsbl,
        2 => expiry.Pipelining,
        3 => expiry.NonSmtpCommand,
        _ => expiry.BareNewline,
    };

    /// <summary>The same record with another expiry for this test.</summary>
    public TestExpiry WithExpiry(in TestExpiry expiry, uint seconds) => Column switch
    {
        0 => expiry with { Pregreet = seconds },
        1 => expiry with { Dnsbl = seconds },
        2 => expiry with { Pipelining = seconds },
        3 => expiry with { NonSmtpCommand = seconds },
        _ => expiry with { BareNewline = seconds },
    };
}
