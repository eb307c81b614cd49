using System.Text;
using System.Text.Unicode;
using Postern.Core.Smtp;
using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Core.Screening;

/// <summary><c>postscreen_command_filter</c>: command lines that are taken for others.</summary>
internal static class CommandFilter
{
    /// <summary>Puts in place of the command what the table has for its line.</summary>
    /// <param name="session">Whose client sent it.</param>
    /// <param name="table">The filter.</param>
    /// <param name="line">The line without its end, NULs included.</param>
    /// <param name="command">The same as a command.</param>
    /// <param name="actions">Takes what is to be done.</param>
    /// <returns>False: the table could not say; the client was told to come back.</returns>
    internal static bool TryApply(Session session, ILookupTable table, ReadOnlySpan<byte> line, ref CommandLine command, SessionActions actions)
    {
        if (session.Settings.SmtpUtf8 && !Utf8.IsValid(session.Settings.Postfix.Has(PostfixDifferences.FilterBeforeNul) ? command.Text : line))
            return true;
        var key = Encoding.Latin1.GetString(command.Text.TrimStart(" \t"u8));
        var result = table.Lookup(key, actions);
        if (result.Status is LookupStatus.NotFound)
            return true;
        if (result.Status is LookupStatus.Error)
        {
            actions.Text.Append(table.Name).Append(" lookup error for \""u8).Append(key).Append((byte)'"');
            actions.Log(LogSeverity.Error);
            session.DropForTrouble(actions);
            return false;
        }

        var replacement = Encoding.Latin1.GetBytes(result.Value);
        LogText.ReplacedCommand(actions.Text, session.Client.Address, session.ClientPort, command.Text, replacement);
        actions.Log();
        command = new CommandLine(replacement);
        return true;
    }
}
