using System.CommandLine;
using System.CommandLine.Invocation;

namespace Postern.Cli;

/// <summary><c>postern --version</c>.</summary>
internal sealed class VersionVerb : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Console.Out.Write(BuildInfo.Describe());
        return 0;
    }
}
