using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Cli;

/// <summary><c>postern man</c>: the manual pages, made of what <c>--help</c> and the registry of parameters say.</summary>
internal static class ManVerb
{
    /// <summary>postern(8), in the language of man(7).</summary>
    public static string Commands(RootCommand root)
    {
        var page = new StringBuilder(
            $"""
            .TH POSTERN 8
            .ad l
            .SH NAME
            postern \- the guarded gate in front of a mail server
            .SH SYNOPSIS
            .B postern
            .I COMMAND
            [\fIOPTION\fR]...
            .SH DESCRIPTION
            {Roff.Text(root.Description!)}
            Parameters are in
            .BR postern.cf (5).
            .SH COMMANDS

            """.ReplaceLineEndings("\n"));
        foreach (var command in root.Subcommands)
            Append(page, command, command.Name);
        return page.Append(".SH SEE ALSO\n.BR postern.cf (5),\n.BR postscreen (8),\n.BR postconf (5)\n").ToString();
    }

    /// <summary>The page of one command, postern-check(8) for <c>check</c>, with the commands below it.</summary>
    public static string Command(Command command)
    {
        var page = new StringBuilder(
            $"""
            .TH POSTERN-{command.Name.ToUpperInvariant()} 8
            .ad l
            .SH NAME
            postern-{command.Name} \- {Roff.Text(command.Description!.Split(". ")[0].TrimEnd('.'))}
            .SH SYNOPSIS
            .B postern {command.Name}
            [\fIOPTION\fR]...
            .SH DESCRIPTION

            """.ReplaceLineEndings("\n"));
        Append(page, command, command.Name);
        return page.Append(".SH SEE ALSO\n.BR postern (8),\n.BR postern.cf (5)\n").ToString();
    }

    private static void Append(StringBuilder page, Command command, string name)
    {
        var words = string.Concat(command.Arguments.Select(static argument => argument.Arity.MaximumNumberOfValues > 1 ? $" [{argument.Name}]..." : $" {argument.Name}"));
        page.Append(CultureInfo.InvariantCulture, $".SS {Roff.Text(name + words)}\n{Roff.Text(command.Description!)}\n");
        foreach (var argument in command.Arguments.Where(static argument => argument.Description is not null))
            page.Append(CultureInfo.InvariantCulture, $".TP\n.I {Roff.Text(argument.Name)}\n{Roff.Text(argument.Description!)}\n");
        foreach (var option in command.Options.Where(static option => option is not HelpOption))
        {
            var names = string.Join(", ", (string[])[option.Name, .. option.Aliases]);
            page.Append(CultureInfo.InvariantCulture, $".TP\n.B {Roff.Text(names)}\n{Roff.Text(option.Description!)}\n");
        }

        foreach (var inner in command.Subcommands)
            Append(page, inner, $"{name} {inner.Name}");
    }
}
