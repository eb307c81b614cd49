using System.Globalization;
using System.Text;
using Postern.Core.Config;
using Postern.Core.Smtp;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>The text that the administrator appends to rejections (<c>postscreen_reject_footer</c> and its maps).</summary>
public static class RejectFooter
{
    private const string ClientAddress = "client_address", ClientPort = "client_port", ServerName = "server_name", LocalTime = "localtime";
    private const string SameLine = "\\c";
    private const string NextLine = "\\n";

    /// <summary>A rejection with its footer.</summary>
    /// <param name="session">Whose client gets it.</param>
    /// <param name="reply">What is meant; the tables know it so, and the client gets it after <c>soft_bounce</c>.</param>
    /// <param name="actions">Takes warnings.</param>
    /// <returns>Null: the reply has no footer.</returns>
    internal static string? Append(Session session, Reply reply, SessionActions actions)
    {
        var settings = session.Settings;
        return reply.Text[0] is '4' or '5' && (settings.RejectFooterMaps is not null || settings.RejectFooter.Length > 0)
            ? LookUpAndAppend(session, reply, actions)
            : null;
    }

    private static string? LookUpAndAppend(Session session, Reply reply, SessionActions actions)
    {
        var settings = session.Settings;
        var found = settings.RejectFooterMaps?.Lookup(reply.Text, actions) ?? LookupResult.NotFound;
        var template = found.Status is LookupStatus.Found ? found.Value : settings.RejectFooter;
        if (template.Length == 0)
            return null;
        var sent = new ByteBuffer();
        reply.AppendTo(sent, settings.SoftBounce);
        return Append(Encoding.Latin1.GetString(sent.Written), template, Value, actions, MacroFunctions.In(settings.Postfix));

        string? Value(string name)
        {
            var value = name switch
            {
                ClientAddress => session.Client.Address.ToString(),
                ClientPort => session.ClientPort.ToString(CultureInfo.InvariantCulture),
                ServerName => settings.MyHostname,
                LocalTime => actions.LocalTime().ToString("MMM dd HH:mm:ss", CultureInfo.InvariantCulture),
                _ => null,
            };
            if (value is null)
                WarnOfMacro(name, actions);
            return value is null ? null : Filter(value, settings);
        }
    }

    /// <summary>Says what is wrong with a template, as the first rejection that gets it would.</summary>
    public static void Judge(string template, IWarningSink warnings)
    {
        _ = Append("550 5.5.1 Protocol error", template, Value, warnings);

        string? Value(string name)
        {
            if (name is ClientAddress or ClientPort or ServerName or LocalTime)
                return name;
            WarnOfMacro(name, warnings);
            return null;
        }
    }

    /// <summary>Appends a footer to a reply of one or more lines.</summary>
    /// <param name="reply">With or without CR LF at its end.</param>
    /// <param name="template">
    /// <c>\n</c> begins a new line; without <c>\c</c> at the start so does the footer. Every new line has the code, and the
    /// enhanced code, of the reply's last line.
    /// </param>
    /// <param name="macro">The value of a name; null: there is no such name.</param>
    /// <param name="warnings">Told of a template that makes no sense.</param>
    /// <param name="functions">What <c>${name{text}}</c> may call; null: that form is a syntax error.</param>
    /// <returns>Null: there can be no footer.</returns>
    public static string? Append(
        string reply, string template, Func<string, string?> macro, IWarningSink warnings, IReadOnlyDictionary<string, Func<string, string?>>? functions = null)
    {
        var end = reply.EndsWith("\r\n", StringComparison.Ordinal) ? reply.Length - 2 : reply.Length;
        if (!TryFindLastLine(reply.AsSpan(0, end), out var lastLine))
            return null;

        var output = new StringBuilder(reply, 0, end, 512);
        var expander = new MacroExpander(macro, CompatibilityLevel.Comparisons, functions, isRecursive: false);
        var start = NewLineStart(reply.AsSpan(lastLine, end - lastLine));
        var startsOnSameLine = template.StartsWith(SameLine, StringComparison.Ordinal);
        var isFirst = true;
        foreach (var line in (startsOnSameLine ? template[SameLine.Length..] : template).Split(NextLine))
        {
            if (!isFirst || !startsOnSameLine)
            {
                output[lastLine + 3] = '-';
                output.Append("\r\n");
                lastLine = output.Length;
                output.Append(start);
            }

            isFirst = false;
            if (!expander.TryExpand(line, out var text, out var problem))
            {
                warnings.Warn(problem);
                return null;
            }

            output.Append(text);
        }

        return output.Append(reply, end, reply.Length - end).ToString();
    }

    private static void WarnOfMacro(string name, IWarningSink warnings) => warnings.Warn($"unknown macro name \"{name}\" in expansion request");

    /// <returns>Whether all lines are those of a reply.</returns>
    private static bool TryFindLastLine(ReadOnlySpan<char> reply, out int lastLine)
    {
        lastLine = 0;
        while (IsReplyLine(reply[lastLine..]))
        {
            var length = reply[lastLine..].IndexOf("\r\n");
            if (length < 0)
                return true;
            lastLine += length + 2;
        }

        return false;
    }

    private static bool IsReplyLine(ReadOnlySpan<char> line) =>
        line.Length > 3 && !line[..3].ContainsAnyExceptInRange('0', '9') && line[3] is ' ' or '-';

    /// <summary>What a new line begins with: code, blank and, where the line has one, enhanced code and blank.</summary>
    private static string NewLineStart(ReadOnlySpan<char> line)
    {
        var text = line[4..];
        var blank = text.IndexOf(' ');
        var word = blank < 0 ? text : text[..blank];
        return EnhancedCode.IsValid(word) ? $"{line[..3]} {word} " : $"{line[..3]} ";
    }

    private static string Filter(string value, Settings settings)
    {
        if (!value.AsSpan().ContainsAnyExcept(settings.ExpansionFilter))
            return value;
        return string.Create(value.Length, (value, settings.ExpansionFilter), static (filtered, from) =>
        {
            for (var i = 0; i < filtered.Length; i++)
                filtered[i] = from.ExpansionFilter.Contains(from.value[i]) ? from.value[i] : '_';
        });
    }
}
