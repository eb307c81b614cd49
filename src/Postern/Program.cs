using System.CommandLine;
using System.Text;
using Postern.Cli;

// Configuration text is held a byte a character; so it goes out as it came in.
Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), Encoding.Latin1) { AutoFlush = true });
Console.SetError(new StreamWriter(Console.OpenStandardError(), Encoding.Latin1) { AutoFlush = true });

// What `postern` can do: one verb a file in Cli/, one row here.
var directory = new Option<string>("--config", "-c")
{
    Description = "The folder of main.cf and master.cf.",
    DefaultValueFactory = static _ => "/etc/postfix",
};
var logToStandardOutput = new Option<bool>("--log-to-stdout") { Description = "Log to the terminal, whatever maillog_file says." };

var serve = new Command("serve", "Screen SMTP clients as main.cf and master.cf say, until SIGTERM. SIGHUP reads both again.") { directory, logToStandardOutput };
serve.SetAction(arguments => ServeVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), arguments.GetValue(logToStandardOutput), Console.Error));

var check = new Command("check", "Print every problem of the configuration with file, line and what to do. Exit status 1 if there is one.") { directory };
check.SetAction(arguments => CheckVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), Console.Out));

var logs = new Argument<string[]>("FILE") { Description = "Mail logs, oldest first, plain or gzip; standard input without one (journalctl -u postfix | postern report).", Arity = ArgumentArity.ZeroOrMore };
var asJson = new Option<bool>("--json") { Description = "For programs." };
var asHtml = new Option<bool>("--html") { Description = "One page for a browser." };
var report = new Command("report", "Count what screening did, from the mail log of Postern or of postscreen and smtpd.") { logs, asJson, asHtml };
report.SetAction(arguments =>
{
    var format = arguments.GetValue(asJson) ? ReportFormat.Json : arguments.GetValue(asHtml) ? ReportFormat.Html : ReportFormat.Text;
    using var output = Console.OpenStandardOutput();
    return ReportVerb.Run(arguments.GetValue(logs) ?? [], format, output, Console.Error);
});

var root = new RootCommand("Postern keeps spambots out of your mail server: Postfix's postscreen and more, from the same main.cf and master.cf.") { serve, check, report };
return root.Parse(args).Invoke();
