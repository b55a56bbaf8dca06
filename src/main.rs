//! The command line of `bincim`.

fn main() -> std::process::ExitCode {
    bincim::cli::main()
}
