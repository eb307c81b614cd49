using Postern.Core.Config;
using Postern.Core.Smtp;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>One command as the deep tests see it.</summary>
internal readonly ref struct CommandRead
{
    /// <summary>The line without its end, NULs included.</summary>
    public required ReadOnlySpan<byte> Line { get; init; }

    /// <summary>How the line ended.</summary>
    public required LineEnd End { get; init; }

    /// <summary>Verb and arguments.</summary>
    public required CommandLine Command { get; init; }

    /// <summary>The command in the engine's table; null for a word that is not in it.</summary>
    public required DummyCommand? Known { get; init; }

    /// <summary>The name of the command before this one.</summary>
    public required string Previous { get; init; }

    /// <summary>What the client sent behind this line without waiting for the reply.</summary>
    public required ReadOnlySpan<byte> Unread { get; init; }
}

/// <summary>The tests in the dialogue. Each runs while it is due and not settled, so it logs once a session.</summary>
internal static class DeepTests
{
    /// <summary>Bare newline: a line ends in LF without CR.</summary>
    /// <returns>Whether the client was dropped.</returns>
    internal static bool CheckNewline(Session session, in CommandRead read, Moment moment, SessionActions actions)
    {
        if (read.End is not LineEnd.BareLf || !session.Ledger.Watches(ScreeningTest.BareNewline))
            return false;
        LogText.BareNewline(actions.Text, session.Client.Address, session.ClientPort, read.Line);
        actions.Log();
        return session.Fail(ScreeningTest.BareNewline, moment, actions);
    }

    /// <summary>Non-SMTP command, then pipelining.</summary>
    /// <returns>Whether the client was dropped.</returns>
    internal static bool CheckCommand(Session session, in CommandRead read, Moment moment, SessionActions actions)
    {
        var (settings, address, port) = (session.Settings, session.Client.Address, session.ClientPort);
        if (read.Known is null && session.Ledger.Watches(ScreeningTest.NonSmtpCommand) && IsNonSmtp(settings, read.Command.Verb, actions))
        {
            LogText.NonSmtpCommand(actions.Text, address, port, Ascii(read.Previous), read.Command.Verb, read.Command.Arguments, settings.SmtpUtf8);
            actions.Log();
            if (session.Fail(ScreeningTest.NonSmtpCommand, moment, actions))
                return true;
        }

        if (!read.Unread.IsEmpty && read.Known is not { MayBePipelined: true } && session.Ledger.Watches(ScreeningTest.Pipelining))
        {
            LogText.Pipelining(actions.Text, address, port, read.Command.Verb, read.Unread, settings.SmtpUtf8);
            actions.Log();
            if (session.Fail(ScreeningTest.Pipelining, moment, actions))
                return true;
        }

        return false;
    }

    /// <summary>A recipient was named: the deep tests that saw nothing wrong so far are passed, until something is wrong.</summary>
    internal static void PassAtRecipient(Session session, Moment moment)
    {
        foreach (var test in ScreeningTest.Deep)
        {
            if (session.Ledger.Due.Has(test) && !session.Ledger.Failed.Has(test) && !session.Ledger.Passed.Has(test))
                session.Ledger.Pass(test, session.Settings, session.Client, moment);
        }
    }

    private static bool IsNonSmtp(Settings settings, ReadOnlySpan<byte> verb, SessionActions actions) =>
        LooksLikeHeader(verb)
        || (settings.SmtpUtf8 && !System.Text.Unicode.Utf8.IsValid(verb))
        || IsForbidden(settings, verb, actions);

    /// <summary>A label of one or more ASCII characters that are neither control nor blank, then tabs or blanks, then a colon.</summary>
    private static bool LooksLikeHeader(ReadOnlySpan<byte> verb)
    {
        var colon = verb.IndexOf((byte)':');
        if (colon <= 0)
            return false;
        var label = verb[..colon].TrimEnd(" \t"u8);
        return !label.IsEmpty && !label.ContainsAnyExceptInRange((byte)'!', (byte)'~');
    }

    private static bool IsForbidden(Settings settings, ReadOnlySpan<byte> verb, SessionActions actions)
    {
        if (settings.ForbiddenCommands is { } list)
        {
            var word = System.Text.Encoding.Latin1.GetString(verb);
            return list.Match(word, actions) is MatchOutcome.Yes;
        }

        // The default of postscreen_forbidden_commands: CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}, letter case ignored.
        return CommandTable.Is(verb, "CONNECT"u8) || CommandTable.Is(verb, "GET"u8) || CommandTable.Is(verb, "POST"u8)
            || (!verb.IsEmpty && !char.IsAsciiLetter((char)verb[0]));
    }

    private static ReadOnlySpan<byte> Ascii(string name) => CommandTable.NameBytes(name);
}
